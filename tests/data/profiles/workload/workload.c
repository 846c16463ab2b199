/* The program of main.py, letters.py and grids.py again, for the profilers of compiled code. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIZE = 90, WORDS = 240 };

struct grid {
    int rows[SIZE][SIZE];
};

static void make_words(char words[][4])
{
    const char *letters = "abcdefghij";
    for (int i = 0; i < WORDS; i++) {
        words[i][0] = letters[i % 7];
        words[i][1] = letters[i % 10];
        words[i][2] = letters[i % 3];
        words[i][3] = 0;
    }
    qsort(words, WORDS, 4, (int (*)(const void *, const void *))strcmp);
}

__attribute__((noinline)) static long count_pairs(char words[][4])
{
    long pairs = 0;
    for (int a = 0; a < WORDS; a++)
        for (int b = 0; b < WORDS; b++)
            if (words[a][2] == words[b][2])
                pairs++;
    return pairs;
}

__attribute__((noinline)) static void fill(struct grid *grid, int seed)
{
    for (int y = 0; y < SIZE; y++)
        for (int x = 0; x < SIZE; x++)
            grid->rows[y][x] = (x * y + seed) % 11;
}

__attribute__((noinline)) static long smooth(const struct grid *grid)
{
    long total = 0;
    for (int y = 1; y < SIZE - 1; y++)
        for (int x = 1; x < SIZE - 1; x++) {
            const int *row = grid->rows[y];
            int around = row[x - 1] + row[x + 1] + grid->rows[y - 1][x] + grid->rows[y + 1][x];
            total += (around + 4 * row[x]) / 8;
        }
    return total;
}

__attribute__((noinline)) static void report(char words[][4], int rounds, long *pairs, long *total)
{
    static struct grid grid;
    for (int seed = 0; seed < rounds; seed++) {
        *pairs += count_pairs(words);
        fill(&grid, seed);
        *total += smooth(&grid);
    }
}

int main(int argc, char **argv)
{
    static char words[WORDS][4];
    long pairs = 0, total = 0;
    make_words(words);
    report(words, argc > 1 ? atoi(argv[1]) : 60, &pairs, &total);
    printf("%ld %ld\n", pairs, total);
    return 0;
}

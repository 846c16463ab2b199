/** The program of main.py, letters.py and grids.py again, for the JVM's flight recorder. */
public class Workload {
    static final int SIZE = 90;

    static String[] makeWords(int count) {
        String letters = "abcdefghij";
        String[] words = new String[count];
        for (int i = 0; i < count; i++) {
            words[i] = "" + letters.charAt(i % 7) + letters.charAt(i % 10) + letters.charAt(i % 3);
        }
        java.util.Arrays.sort(words);
        return words;
    }

    static long countPairs(String[] words) {
        long pairs = 0;
        for (String first : words) {
            for (String second : words) {
                if (first.charAt(2) == second.charAt(2)) {
                    pairs++;
                }
            }
        }
        return pairs;
    }

    static int[][] fill(int seed) {
        int[][] rows = new int[SIZE][SIZE];
        for (int y = 0; y < SIZE; y++) {
            for (int x = 0; x < SIZE; x++) {
                rows[y][x] = (x * y + seed) % 11;
            }
        }
        return rows;
    }

    static long smooth(int[][] rows) {
        long total = 0;
        for (int y = 1; y < SIZE - 1; y++) {
            for (int x = 1; x < SIZE - 1; x++) {
                int around = rows[y][x - 1] + rows[y][x + 1] + rows[y - 1][x] + rows[y + 1][x];
                total += (around + 4 * rows[y][x]) / 8;
            }
        }
        return total;
    }

    static long report(String[] words, int rounds) {
        long sum = 0;
        for (int seed = 0; seed < rounds; seed++) {
            sum += countPairs(words) + smooth(fill(seed));
        }
        return sum;
    }

    public static void main(String[] args) {
        String[] words = makeWords(240);
        System.out.println(report(words, Integer.parseInt(args[0])));
    }
}

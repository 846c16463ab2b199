// The program of main.py, letters.py and grids.py again, for the profilers of JavaScript.
'use strict';

const { Grid, smooth } = require('./grids.js');

function makeWords(count) {
  const letters = 'abcdefghij';
  const words = [];
  for (let i = 0; i < count; i++) {
    words.push(letters[i % 7] + letters[i % 10] + letters[i % 3]);
  }
  return words.sort();
}

function countPairs(words) {
  let pairs = 0;
  for (const first of words) {
    for (const second of words) {
      if (first[2] === second[2]) {
        pairs += 1;
      }
    }
  }
  return pairs;
}

const report = (words, rounds) => {
  let pairs = 0;
  let total = 0;
  for (let seed = 0; seed < rounds; seed++) {
    pairs += countPairs(words);
    for (let again = 0; again < 8; again++) {
      total += smooth(new Grid(60, seed));
    }
  }
  return [pairs, total];
};

function main(rounds) {
  const words = makeWords(420);
  const [pairs, total] = report(words, rounds);
  console.log(pairs, total);
}

main(Number(process.argv[2] || 400));

// Grids of numbers.
'use strict';

class Grid {
  constructor(size, seed) {
    this.size = size;
    this.rows = this.fill(seed);
  }

  fill(seed) {
    const rows = [];
    for (let y = 0; y < this.size; y++) {
      const row = [];
      for (let x = 0; x < this.size; x++) {
        row.push((x * y + seed) % 11);
      }
      rows.push(row);
    }
    return rows;
  }
}

function smooth(grid) {
  const { size, rows } = grid;
  let total = 0;
  for (let y = 1; y < size - 1; y++) {
    for (let x = 1; x < size - 1; x++) {
      const row = rows[y];
      const around = row[x - 1] + row[x + 1] + rows[y - 1][x] + rows[y + 1][x];
      total += Math.floor((around + 4 * row[x]) / 8);
    }
  }
  return total;
}

module.exports = { Grid, smooth };

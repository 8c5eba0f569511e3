/**
 * Ratings from a dense matrix: NaN is missing, zero is a rating, every row is a user and every column an item.
 */
import { beyondFloats, DataError, isFloat, knownOptions, OptionError, show } from "../support/index.ts";
import { CellValues, indexArray } from "./cell-values.ts";
import { IdMap, type Side } from "./id-map.ts";
import { Ratings, reportOf } from "./ratings.ts";
import type { Id } from "./records.ts";

export interface DenseMatrix {
  /** Row-major, rows × columns entries */
  readonly data: ArrayLike<number>;
  readonly rows: number;
  readonly columns: number;
}

export interface DenseOptions {
  /** The id of each row; default 0, 1, 2, … */
  readonly users?: readonly Id[] | undefined;
  /** The id of each column; default 0, 1, 2, … */
  readonly items?: readonly Id[] | undefined;
}

/**
 * Ratings from a matrix with users as rows and items as columns. Rows and columns without any rating keep their ids.
 *
 * @throws DataError with the position for ±∞, text, a row of another length, or when nothing is observed
 */
export function ratingsFromDense(
  matrix: readonly ArrayLike<number>[] | DenseMatrix,
  options: DenseOptions = {},
): Ratings {
  knownOptions("ratingsFromDense", options, ["users", "items"]);
  const { rows, columns, at } = readable(matrix);
  const users = sideOf(options.users, rows, "user");
  const items = sideOf(options.items, columns, "item");
  let count = 0;
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const value = at(row, column);
      checkEntry(value, row, column);
      if (!Number.isNaN(value)) count++;
    }
  }
  if (count === 0)
    throw new DataError(`ratings: the ${rows} × ${columns} matrix holds no rating (NaN is missing); give at least one`);
  const start = new Uint32Array(rows + 1);
  const index = indexArray(count, columns);
  const values = new Float32Array(count);
  let cell = 0;
  for (let user = 0; user < rows; user++) {
    for (let item = 0; item < columns; item++) {
      const value = at(users.position[user], items.position[item]);
      if (Number.isNaN(value)) continue;
      index[cell] = item;
      values[cell++] = value + 0;
    }
    start[user + 1] = cell;
  }
  const byUser = { rows, columns, start, index, value: CellValues.of(values), time: undefined };
  const report = reportOf(byUser, { records: count, duplicates: "error", dropped: [] });
  return new Ratings({ users: users.ids, items: items.ids, byUser, hasRatings: true, report });
}

function readable(matrix: readonly ArrayLike<number>[] | DenseMatrix): {
  readonly rows: number;
  readonly columns: number;
  at(row: number, column: number): number;
} {
  if (typeof matrix !== "object" || matrix === null)
    throw new DataError(`ratings: give rows of numbers, or { data, rows, columns }, got ${show(matrix)}`);
  if ("data" in matrix) {
    const { data, rows, columns } = matrix;
    if (!Number.isInteger(rows) || !Number.isInteger(columns) || rows < 0 || data.length !== rows * columns) {
      throw new DataError(
        `ratings: a matrix of ${rows} rows and ${columns} columns needs ${rows * columns} entries, got ${data.length}`,
        { rows, columns, got: data.length },
      );
    }
    return { rows, columns, at: (row, column) => data[row * columns + column] };
  }
  const columns = matrix.length === 0 ? 0 : matrix[0].length;
  for (let row = 0; row < matrix.length; row++) {
    if (matrix[row].length === columns) continue;
    throw new DataError(
      `ratings: row ${row} of the matrix has ${matrix[row].length} entries, row 0 has ${columns}; ` +
        "give rows of one length, with NaN for what is missing",
      { row, got: matrix[row].length, expected: columns },
    );
  }
  return { rows: matrix.length, columns, at: (row, column) => matrix[row][column] };
}

/** The sorted ids of one side, and for each index the row or column of the matrix that it stands for. */
function sideOf(given: readonly Id[] | undefined, size: number, side: Side): { ids: IdMap; position: Uint32Array } {
  const list = given ?? Array.from({ length: size }, (_, i) => i);
  if (list.length !== size)
    throw new OptionError(
      "ratingsFromDense",
      `${side}s`,
      `${list.length} ids`,
      `${size} ids, one per ${side === "user" ? "row" : "column"}`,
    );
  const ids = IdMap.of(list, side);
  const position = new Uint32Array(size);
  for (let i = 0; i < size; i++) position[ids.index(list[i])!] = i;
  return { ids, position };
}

function checkEntry(value: unknown, row: number, column: number): void {
  if (Number.isNaN(value) || isFloat(value)) return;
  const why = Number.isFinite(value)
    ? `, ${beyondFloats(value as number, "ratings")}`
    : "; give a finite number (within 32 bits), or NaN for what is missing";
  throw new DataError(`ratings: row ${row}, column ${column} of the matrix is ${show(value)}${why}`, {
    row,
    column,
    got: value,
  });
}

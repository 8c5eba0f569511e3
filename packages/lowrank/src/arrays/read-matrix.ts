/**
 * Ratings from a matrix in NumPy files, as data scientists keep them: the values Y, and a mask R of which cells are ratings.
 *
 * Which side the rows are must be stated: a transposed matrix looks like any other. Without a mask NaN is missing; with one,
 * cells outside it are never looked at. Zero is a rating, unless it is said to be missing.
 */
import { DataError, type Id, OptionError, type Ratings, ratingsFromDense } from "@lowrank/core";
import { beyondFloats, isFloat, knownOptions, oneOf, show, throwIfAborted, trueOrFalse } from "@lowrank/core/support";
import { refusal } from "../remedy.ts";
import { WholeRatings } from "../whole-ratings.ts";
import { type ArrayFile, readArray } from "./array-file.ts";
import { type IdSource, readIds } from "./ids.ts";
import { numbersOf, shapeText, typeText } from "./npy.ts";

/** What may be stated about a matrix, wherever one is read. */
export interface MatrixMeaning {
  /** What each row is: the columns are the other side. Must be stated */
  readonly rows?: "users" | "items" | undefined;
  /** A matrix of 0 and 1, or of truth values, of the same shape: 1 where there is a rating */
  readonly mask?: string | undefined;
  /** The users' ids, in the order of their rows or columns; default 0, 1, 2, … */
  readonly userIds?: IdSource | undefined;
  readonly itemIds?: IdSource | undefined;
  /** True: a value of 0 means that there is no rating. Default false: 0 is a rating */
  readonly zeroIsMissing?: boolean | undefined;
  /** True: ids are text even when they are whole numbers; `user` or `item`: those of one side are */
  readonly stringIds?: boolean | "user" | "item" | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Paths name array files (`Y.npy`), archives with one array (`Y.npz`), or arrays of an archive (`data.npz/Y`). */
export interface MatrixOptions extends MatrixMeaning {
  readonly values: string;
  readonly rows: "users" | "items";
}

const who = "readMatrix";
const known = ["values", "mask", "rows", "userIds", "itemIds", "zeroIsMissing", "stringIds", "signal"] as const;

/**
 * Reads a matrix of ratings.
 *
 * @returns ratings, with the ids of all rows and columns, empty ones too, and what was taken for what, as sentences
 * @throws DataError naming file and position; OptionError; AbortedError
 */
export async function readMatrix(options: MatrixOptions): Promise<{ ratings: Ratings; notes: string[] }> {
  knownOptions(who, options, known);
  for (const option of ["values", "mask"] as const) {
    const path: unknown = options[option];
    if ((typeof path !== "string" || path === "") && (option === "values" || path !== undefined))
      throw new OptionError(who, option, path, "the path of a NumPy file");
  }
  return matrixRatings({ path: options.values, name: options.values }, options);
}

/** @param values where the file is, and what people call it */
export async function matrixRatings(
  values: { readonly path: string; readonly name: string },
  meaning: MatrixMeaning,
): Promise<{ ratings: Ratings; notes: string[] }> {
  const stringIds = oneOf(who, "stringIds", String(meaning.stringIds ?? false), ["true", "false", "user", "item"]);
  const zeroIsMissing = trueOrFalse(who, "zeroIsMissing", meaning.zeroIsMissing ?? false);
  throwIfAborted(who, meaning.signal);
  const matrix = matrixOf(await readArray(values.path, values.name));
  const rowsAre = statedRows(matrix, meaning.rows);
  const mask = meaning.mask === undefined ? undefined : maskOf(await readArray(meaning.mask), matrix);
  const [users, items] = rowsAre === "users" ? [matrix.rows, matrix.columns] : [matrix.columns, matrix.rows];
  const idsOf = async (side: "user" | "item") => {
    const source = side === "user" ? meaning.userIds : meaning.itemIds;
    const count = side === "user" ? users : items;
    const place = `${rowsAre === `${side}s` ? "rows" : "columns"} of ${matrix.name}`;
    const ids = source === undefined ? numbered(count) : await readIds(source, side, count, place);
    return stringIds === "true" || stringIds === side ? ids.map(String) : ids;
  };
  const ids = { users: await idsOf("user"), items: await idsOf("item") };
  throwIfAborted(who, meaning.signal);
  const whole = new WholeRatings();
  const data = cellsByUser(matrix, mask, rowsAre, zeroIsMissing, whole);
  const rounded = whole.note(matrix.name);
  const ratings = ratingsFromDense({ data, rows: users, columns: items }, ids);
  const notes = notesOf(matrix, mask, rowsAre, zeroIsMissing, meaning);
  return { ratings, notes: rounded === undefined ? notes : [...notes, rounded] };
}

const numbered = (count: number): readonly Id[] => Array.from({ length: count }, (_, at) => at);

/** The numbers of a matrix, as they lie in the file. */
interface Matrix {
  readonly name: string;
  readonly numbers: ArrayLike<number>;
  readonly rows: number;
  readonly columns: number;
  /** Places from one row to the next, and from one column to the next */
  readonly rowStep: number;
  readonly columnStep: number;
  readonly type: string;
}

function matrixOf({ name, array, refuse }: ArrayFile): Matrix {
  const { shape, fortranOrder } = array;
  const [rows, columns] = shape;
  if (shape.length !== 2)
    return refuse(
      `has ${shape.length} ${shape.length === 1 ? "dimension" : "dimensions"} (${shapeText(shape)}); a matrix of ratings has 2`,
      "give the matrix of users and items",
    );
  if (rows === 0 || columns === 0)
    return refuse(`is ${shapeText(shape)}, without a cell`, "give a matrix with ratings");
  const steps = fortranOrder ? { rowStep: 1, columnStep: rows } : { rowStep: columns, columnStep: 1 };
  return { name, numbers: numbersOf(array, refuse), rows, columns, ...steps, type: typeText(array) };
}

function statedRows({ name, rows, columns, type }: Matrix, stated: unknown): "users" | "items" {
  if (stated !== undefined) return oneOf(who, "rows", stated, ["users", "items"]);
  throw refusal(
    `${name}: is a matrix of ${rows} × ${columns} ${type}, and nothing in it tells users from items`,
    (say) => `say what each row is: ${say('rows: "users" or rows: "items"', "--rows users or --rows items")}`,
    { file: name, rows, columns },
  );
}

/** A mask fits its matrix and holds nothing but 0 and 1. */
function maskOf(file: ArrayFile, values: Matrix): Matrix {
  const mask = matrixOf(file);
  if (mask.rows !== values.rows || mask.columns !== values.columns) {
    const turned = mask.rows === values.columns && mask.columns === values.rows;
    throw new DataError(
      `${mask.name}: is ${mask.rows} × ${mask.columns}, but ${values.name} is ${values.rows} × ${values.columns}; ` +
        `give a mask of the same shape${turned ? `, such as its transpose: numpy.save(path, R.T)` : ""}`,
      { file: mask.name, got: [mask.rows, mask.columns], expected: [values.rows, values.columns] },
    );
  }
  for (let row = 0; row < mask.rows; row++) {
    for (let column = 0; column < mask.columns; column++) {
      const value = mask.numbers[row * mask.rowStep + column * mask.columnStep];
      if (value !== 0 && value !== 1)
        throw new DataError(
          `${at(mask, row, column)} is ${value}; a mask holds 1 where there is a rating and 0 elsewhere`,
          { file: mask.name, row, column, got: value },
        );
    }
  }
  return mask;
}

/** NumPy's own way to name a cell; both numbers count from 0. */
const at = ({ name }: Matrix, row: number, column: number) => `${name}: [${row}, ${column}]`;

/** f32[users × items], NaN where there is no rating. @throws DataError with the position */
function cellsByUser(
  matrix: Matrix,
  mask: Matrix | undefined,
  rowsAre: "users" | "items",
  zeroIsMissing: boolean,
  whole: WholeRatings,
): Float32Array {
  const { numbers, rows, columns, rowStep, columnStep } = matrix;
  const cells = new Float32Array(rows * columns).fill(Number.NaN);
  const [toRow, toColumn] = rowsAre === "users" ? [columns, 1] : [1, rows];
  let found = 0;
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      if (mask !== undefined && mask.numbers[row * mask.rowStep + column * mask.columnStep] === 0) continue;
      const value = numbers[row * rowStep + column * columnStep];
      if ((value === 0 && zeroIsMissing) || (Number.isNaN(value) && mask === undefined)) continue;
      if (!isFloat(value)) throw badCell(matrix, mask, row, column, value);
      whole.add(value);
      cells[row * toRow + column * toColumn] = value;
      found++;
    }
  }
  if (found > 0) return cells;
  const why =
    mask === undefined ? "every cell is missing" : `${mask.name} marks no cell${zeroIsMissing ? " that is not 0" : ""}`;
  throw new DataError(`${matrix.name}: holds no rating: ${why}; give at least one`, { file: matrix.name });
}

function badCell(matrix: Matrix, mask: Matrix | undefined, row: number, column: number, value: number): DataError {
  const facts = { file: matrix.name, row, column, got: value };
  const where = at(matrix, row, column);
  if (Number.isNaN(value))
    return new DataError(
      `${where} is NaN, but ${mask?.name} says that there is a rating; give a number there, or 0 in the mask`,
      facts,
    );
  if (Number.isFinite(value)) return new DataError(`${where} is ${value}, ${beyondFloats(value, "ratings")}`, facts);
  return new DataError(`${where} is ${show(value)}; give a finite number, or NaN for what is missing`, facts);
}

function notesOf(
  { name, rows, columns, type }: Matrix,
  mask: Matrix | undefined,
  rowsAre: "users" | "items",
  zeroIsMissing: boolean,
  { userIds, itemIds }: MatrixMeaning,
): string[] {
  const other = rowsAre === "users" ? "items" : "users";
  const missing = [
    mask === undefined ? "NaN is missing" : `ratings are where ${mask.name} is 1`,
    ...(zeroIsMissing ? ["0 is missing"] : []),
  ].join(", ");
  const from = (ids: IdSource | undefined, count: number) =>
    ids === undefined ? `0 to ${count - 1}` : typeof ids === "string" ? `from ${ids}` : "as given";
  const [rowIds, columnIds] = rowsAre === "users" ? [userIds, itemIds] : [itemIds, userIds];
  return [
    `${name}: ${rows} × ${columns} ${type}; ${missing}`,
    `rows are ${rowsAre}, their ids ${from(rowIds, rows)}; columns are ${other}, their ids ${from(columnIds, columns)}`,
  ];
}

/** Shapes of nets, checked once at the door of every backend; see checks.ts. */
import { atLeast, exactly, whole } from "./checks.ts";
import { checkOptimizer, checkTableValue } from "./descent-checks.ts";
import type { RealTable } from "./kernels.ts";
import {
  type Moved,
  type MovedTable,
  type NetBatches,
  type NetPairsProblem,
  type NetProblem,
  type NetScoresProblem,
  type NetShape,
  type NetSide,
  netPairSlots,
  netPlaces,
  netScoringSlots,
  netTrainingSlots,
  type ScoringNet,
} from "./net.ts";

export function checkNetBatches(problem: NetProblem, { rates, from, to, optimizer, done }: NetBatches): void {
  const who = "netBatches";
  const { shape, left, right, layers, order, value, batchSize, work } = problem;
  const entries = order.length;
  const moved: [string, Moved][] = [["layers", layers]];
  const table = (name: string, own: MovedTable, rows: number) => {
    exactly(who, `${name}.rank`, own.table.rank, shape.rank);
    exactly(who, `${name}.rows`, own.table.rows, rows);
    checkTableValue(who, name, own.value, own.table);
    moved.push([name, own]);
  };
  const side = (name: string, { factors, product, bias, row }: NetSide) => {
    const { rows } = factors.table;
    table(`${name}.factors`, factors, rows);
    exactly(who, `${name}.product`, product === undefined ? 0 : 1, shape.product ? 1 : 0);
    if (product !== undefined) table(`${name}.product`, product, rows);
    atLeast(who, `${name}.row.length`, row.length, entries);
    if (bias === undefined) return;
    exactly(who, `${name}.bias.value.length`, bias.value.length, rows);
    moved.push([`${name}.bias`, bias]);
  };
  checkShape(who, shape);
  side("left", left);
  side("right", right);
  exactly(who, "layers.value.length", layers.value.length, netPlaces(shape).length);
  checkOptimizer(who, optimizer, done, moved);
  atLeast(who, "value.length", value.length, entries);
  whole(who, "batchSize", batchSize, 1);
  whole(who, "from", from, 0);
  whole(who, "to", to, from);
  atLeast(who, "entries / batchSize", Math.ceil(entries / batchSize), to);
  if (rates.length !== 1) exactly(who, "rates.length", rates.length, to - from);
  const { rows: leftRows } = left.factors.table;
  const { rows: rightRows } = right.factors.table;
  checkWork(who, work, netTrainingSlots(shape, leftRows, rightRows, batchSize));
}

/** Widths that a frame can hold: whole, and no net without a hidden layer. */
function checkShape(who: string, { rank, hidden }: NetShape): void {
  whole(who, "rank", rank, 1);
  atLeast(who, "hidden.length", hidden.length, 1);
  for (const [h, width] of hidden.entries()) whole(who, `hidden[${h}]`, width, 1);
}

export function checkNetScores(problem: NetScoresProblem): void {
  const { shape, query, right, out, work } = problem;
  checkScoring("netScores", problem);
  checkWork("netScores", work, netScoringSlots(shape, right.table.rows));
  atLeast("netScores", "out.length", out.length, query.length * right.table.rows);
}

export function checkNetPairs(problem: NetPairsProblem): void {
  const { shape, leftRow, rightRow, out, work } = problem;
  checkScoring("netPairs", problem);
  checkWork("netPairs", work, netPairSlots(shape));
  exactly("netPairs", "rightRow.length", rightRow.length, leftRow.length);
  atLeast("netPairs", "out.length", out.length, leftRow.length);
}

function checkScoring(who: string, { shape, left, right, layers }: ScoringNet): void {
  checkShape(who, shape);
  for (const [name, { table, product, bias }] of Object.entries({ left, right })) {
    exactly(who, `${name}.table.rank`, table.rank, shape.rank);
    exactly(who, `${name}.product`, product === undefined ? 0 : 1, shape.product ? 1 : 0);
    if (product !== undefined) {
      exactly(who, `${name}.product.rank`, product.rank, shape.rank);
      exactly(who, `${name}.product.rows`, product.rows, table.rows);
    }
    if (bias !== undefined) exactly(who, `${name}.bias.length`, bias.length, table.rows);
  }
  exactly(who, "layers.length", layers.length, netPlaces(shape).length);
}

/** The working arrays are at least as long as this shape needs. */
function checkWork(
  who: string,
  work: Readonly<Record<string, ArrayLike<unknown> | RealTable | undefined>>,
  slots: ReturnType<typeof netPairSlots | typeof netScoringSlots | typeof netTrainingSlots>,
): void {
  for (const [name, slot] of Object.entries(slots)) {
    const got = work[name];
    if (slot.kind === "perThread" || got === undefined) continue;
    if ("rank" in slot) exactly(who, `work.${name}.rank`, (got as RealTable).rank, slot.rank);
    const needed = "rank" in slot ? slot.rows : slot.length;
    atLeast(who, `work.${name}`, "length" in got ? got.length : got.rows, needed);
  }
}

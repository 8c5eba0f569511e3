/**
 * The behaviour of packed entries on every backend: the bits of plain ones, in every routine that takes them. Part of kernels.case.ts;
 * run once more where the packed arrays lie outside of the backend's memory.
 */
import { expect, it } from "vitest";
import { Digest } from "../support/index.ts";
import type { CodedNumbers, EntryNumbers, PackedRows } from "./entries.ts";
import { type Kernels, type RowProblem, type RowSolver, rowStride, slot } from "./kernels.ts";
import { type NonNegativeRows, nonNegativeScratch } from "./nonnegative.ts";
import { explicitWorld, fillRandom, implicitWorld, type RowShape, type RowWorld } from "./worlds.case.ts";

/** Rows from none to all of 90 entries, about 1,300 in all, beside an area for 90. */
const shape = (rank: number): RowShape => ({ rank, rows: 40, columns: 90 });

const solvers: readonly RowSolver[] = [
  { kind: "cholesky" },
  { kind: "cg", steps: 2 },
  { kind: "subspace", blockSize: 16 },
];

type Packing = readonly [name: string, entries: PackedRows, numbers: EntryNumbers];

/** The same entries in all forms; the first is plain. */
function packings({
  start,
  index,
  value,
  shortIndex,
  code,
  codeTable,
  farIndex,
  farValue,
}: RowWorld<RowProblem>["workspace"]["at"]): Packing[] {
  const coded: CodedNumbers = { code, table: codeTable };
  return [
    ["u32 and f32", { start, index }, value],
    ["u16 and codes", { start, index: shortIndex }, coded],
    ["u32 and codes", { start, index }, coded],
    ["u16 and f32", { start, index: shortIndex }, value],
    ["u32 and f32 in pieces", { start, index: farIndex }, farValue],
    ["u32 in pieces and codes", { start, index: farIndex }, coded],
  ];
}

function packed(problem: RowProblem, [, entries, numbers]: Packing): RowProblem {
  if (problem.kind === "explicit") return { ...problem, entries, value: numbers };
  return { ...problem, entries, confidence: numbers };
}

/** The bytes of what a row problem gives: factors, biases, losses, gradients. */
async function given(
  { workspace, loss }: RowWorld<RowProblem>,
  problem: RowProblem,
  solver: RowSolver,
): Promise<string> {
  const digest = new Digest();
  fillRandom(problem.out, 4, -0.3, 0.3);
  workspace.at.outBias.fill(0.25);
  expect(await workspace.solveRows(problem, solver)).toBeUndefined();
  digest.add(problem.out.data).add(workspace.at.outBias);
  await workspace.rowLoss(problem, loss);
  digest.add(loss);
  await workspace.rowGradients(problem, loss);
  return digest.add(loss).hex();
}

export function packedRowCases(kernels: Kernels): void {
  it.each([3, 16, 33])(
    "give the bits of plain ones, by every solver, in losses and gradients, at rank %i",
    async (rank) => {
      for (const world of [explicitWorld(kernels, shape(rank)), await implicitWorld(kernels, shape(rank))]) {
        const [plain, ...others] = packings(world.workspace.at);
        for (const solver of solvers) {
          const expected = await given(world, packed(world.problem, plain), solver);
          for (const packing of others) {
            expect(await given(world, packed(world.problem, packing), solver), packing[0]).toBe(expected);
          }
        }
        world.workspace.close();
      }
    },
  );

  it("that are all equal need no codes", async () => {
    for (const world of [explicitWorld(kernels, shape(5)), await implicitWorld(kernels, shape(5))]) {
      const { start, index, shortIndex, value, codeTable } = world.workspace.at;
      value.fill(2.5);
      codeTable[0] = 2.5;
      const none: CodedNumbers = { code: undefined, table: codeTable.subarray(0, 1) };
      for (const solver of solvers) {
        const expected = await given(world, packed(world.problem, ["", { start, index }, value]), solver);
        const all: readonly Packing[] = [
          ["u16", { start, index: shortIndex }, none],
          ["u32", { start, index }, none],
        ];
        for (const packing of all) {
          expect(await given(world, packed(world.problem, packing), solver), packing[0]).toBe(expected);
        }
      }
      world.workspace.close();
    }
  });

  it.each(["coordinates", "multiplicative"] as const)(
    "give non-negative rows the bits of plain ones: %s",
    async (rule) => {
      const { workspace: source, problem: like } = explicitWorld(kernels, shape(17));
      const count = source.at.index.length;
      const w = kernels.open({
        out: slot.table(like.out.rows, 17),
        fixed: slot.table(like.fixed.rows, 17),
        start: slot.u32(like.out.rows + 1),
        index: slot.u32(count),
        value: slot.f32(count),
        shortIndex: slot.inPieces(slot.u16(count)),
        code: slot.inPieces(slot.u8(count)),
        codeTable: slot.f32(5),
        gram: slot.f32(rowStride(17) ** 2),
        regularization: slot.f32(like.out.rows),
        scratch: slot.perThread(nonNegativeScratch(17)),
        pieces: slot.pieces(like.fixed.rows),
      });
      const { at } = w;
      for (const name of ["start", "index", "value", "shortIndex", "code", "codeTable", "regularization"] as const) {
        at[name].set(source.at[name]);
      }
      fillRandom(at.fixed, 3, 0, 1);
      await w.gram(at.fixed, at.gram);
      const plain: Packing = ["plain", { start: at.start, index: at.index }, at.value];
      const tight: Packing = [
        "packed",
        { start: at.start, index: at.shortIndex },
        { code: at.code, table: at.codeTable },
      ];
      for (const gram of [undefined, at.gram]) {
        const bytes: string[] = [];
        for (const [, entries, value] of [plain, tight]) {
          fillRandom(at.out, 4, 0, 1);
          const { out, fixed, regularization } = at;
          const problem: NonNegativeRows = { rule, out, fixed, entries, value, gram, regularization };
          await w.nonNegativeRows(problem);
          bytes.push(new Digest().add(at.out.data).hex());
        }
        expect(bytes[1]).toBe(bytes[0]);
      }
      w.close();
      source.close();
    },
  );

  it("are refused with the code shape where lengths do not fit", async () => {
    const { problem, workspace } = explicitWorld(kernels, shape(4));
    const { code, codeTable, shortIndex, start } = workspace.at;
    const solve = (entries: PackedRows, value: EntryNumbers) =>
      workspace.solveRows({ ...problem, entries, value }, { kind: "cholesky" });
    const refused = expect.objectContaining({ code: "shape" });
    const good = { start, index: shortIndex };
    await expect(solve(good, { code: code.subarray(1), table: codeTable })).rejects.toEqual(refused);
    await expect(solve(good, { code, table: codeTable.subarray(0, 0) })).rejects.toEqual(refused);
    await expect(solve({ start, index: shortIndex.subarray(1) }, { code, table: codeTable })).rejects.toEqual(refused);
    workspace.close();
  });
}

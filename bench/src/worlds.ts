/**
 * Large seeded worlds, made once and kept as raw arrays below .cache/bench/worlds: half stars from 0.5 to 5, popular items,
 * active users, a planted rank of 12.
 */
import { existsSync } from "node:fs";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { CellValues, type CompressedRows, IdMap, plantedWorld, Ratings, randomSplit } from "@lowrank/core";
import { cache } from "./environments.ts";

export interface WorldSize {
  readonly users: number;
  readonly items: number;
  readonly ratings: number;
}

/** Users and items of MovieLens 20M. */
export const world20M: WorldSize = { users: 138_000, items: 27_000, ratings: 20_000_000 };

const SEED = 20;
/** Raised when the same size gives other ratings. */
const EDITION = 1;

export interface World {
  readonly train: Ratings;
  readonly test: Ratings;
}

/** A tenth of the ratings is the test part. */
export async function world(size: WorldSize): Promise<World> {
  const folder = await worldFolder(size);
  const userIds = ids(size.users, "user");
  const itemIds = ids(size.items, "item");
  return { train: await read(folder, "train", userIds, itemIds), test: await read(folder, "test", userIds, itemIds) };
}

/** Where the world lies; it is made when it is not there. */
export async function worldFolder(size: WorldSize): Promise<string> {
  const { users, items, ratings } = size;
  const folder = join(cache, "worlds", `${users}-${items}-${ratings}-${EDITION}`);
  if (!existsSync(folder)) {
    console.error(`making a world of ${ratings} ratings, once`);
    const { train, test } = randomSplit(made(size), { testFraction: 0.1, seed: SEED });
    await mkdir(`${folder}.part`, { recursive: true });
    await write(`${folder}.part`, "train", train);
    await write(`${folder}.part`, "test", test);
    await rename(`${folder}.part`, folder);
  }
  return folder;
}

function made(size: WorldSize): Ratings {
  return plantedWorld({
    ...size,
    rank: 12,
    mean: 3.55,
    biasSpread: 0.42,
    signal: 0.6,
    noise: 0.7,
    popularityExponent: 0.6,
    activitySpread: 1.1,
    scale: { min: 0.5, max: 5, step: 0.5 },
    seed: SEED,
  }).ratings;
}

/** The same ratings without anything that is worked out on first use and kept. */
export function fresh({ users, items, byUser, hasRatings, report }: Ratings): Ratings {
  return new Ratings({ users, items, byUser, hasRatings, report });
}

function ids(count: number, side: "user" | "item"): IdMap {
  return IdMap.of(
    Float64Array.from({ length: count }, (_, id) => id),
    side,
  );
}

async function write(folder: string, name: string, { byUser, report }: Ratings): Promise<void> {
  await writeFile(join(folder, `${name}-start.u32`), byUser.start);
  await writeFile(join(folder, `${name}-index.u32`), new Uint32Array(byUser.index));
  await writeFile(join(folder, `${name}-value.f32`), byUser.value.toFloats());
  await writeFile(join(folder, `${name}-report.json`), JSON.stringify(report));
}

async function read(folder: string, name: string, users: IdMap, items: IdMap): Promise<Ratings> {
  const bytes = async (file: string) => (await readFile(join(folder, `${name}-${file}`))).buffer as ArrayBuffer;
  const byUser: CompressedRows = {
    rows: users.size,
    columns: items.size,
    start: new Uint32Array(await bytes("start.u32")),
    index: new (items.size <= 2 ** 16 ? Uint16Array : Uint32Array)(new Uint32Array(await bytes("index.u32"))),
    value: CellValues.of(new Float32Array(await bytes("value.f32"))),
    time: undefined,
  };
  const report = JSON.parse(await readFile(join(folder, `${name}-report.json`), "utf8"));
  return new Ratings({ users, items, byUser, hasRatings: true, report });
}

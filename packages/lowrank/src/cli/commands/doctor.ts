/** `lowrank doctor`: looks at the host and says what works, what does not, and what to do about it. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { availableParallelism, tmpdir, totalmem } from "node:os";
import { join, resolve } from "node:path";
import { LowrankError, openKernels, version } from "@lowrank/core";
import type { Command } from "commander";
import { addOutputFlags, type OutputFlags } from "../flags.ts";
import { bytes, counted, duration, factLines } from "../format.ts";
import { RECORDED_DIGEST, selfTest } from "../self-test.ts";
import type { Job, Shell } from "../shell.ts";

interface Check {
  readonly name: string;
  readonly ok: boolean;
  readonly text: string;
}

export function addDoctor(program: Command, shell: Shell): void {
  const command = program
    .command("doctor")
    .summary("check this machine")
    .description(
      "Checks Node, the engine, the file reader and write access, and runs a small training with a known result.",
    );
  addOutputFlags(command);
  command.action((flags: OutputFlags) => doctor(shell.job(command, flags)));
}

async function doctor(job: Job): Promise<void> {
  const { output } = job;
  const checks = [
    { name: "lowrank", ok: true, text: version },
    nodeCheck(),
    {
      name: "machine",
      ok: true,
      text: `${counted(availableParallelism(), "core")}, ${bytes(totalmem())} of memory, ${process.platform} ${process.arch}`,
    },
    sharedMemoryCheck(),
    await attempt("engine", async () => (await openKernels()).reason),
    await attempt("self-test", knownResult),
    await attempt("file reader", readsFiles),
    await attempt("write access", async () => {
      const { checkWritable } = await import("../../model-files.ts");
      await checkWritable("model.safetensors");
      return `a model can be saved in ${resolve(".")}`;
    }),
  ];
  output.print(
    ...factLines(
      checks.map(({ name, ok, text }) => [`${ok ? "ok    " : "FAILED"}  ${name}`, text]),
      output.width,
    ),
  );
  output.json({ ok: checks.every(({ ok }) => ok), checks });
  const failed = checks.filter(({ ok }) => !ok);
  if (failed.length > 0) {
    throw new LowrankError("doctor", `${failed.map(({ name }) => name).join(", ")} failed; see above`, {
      failed: failed.map(({ name }) => name),
    });
  }
}

function nodeCheck(): Check {
  const [major, minor] = process.versions.node.split(".").map(Number);
  const ok = major > 20 || (major === 20 && minor >= 19);
  return {
    name: "Node",
    ok,
    text: ok ? process.versions.node : `${process.versions.node}; install Node 20.19 or later`,
  };
}

function sharedMemoryCheck(): Check {
  const ok = typeof SharedArrayBuffer !== "undefined";
  return {
    name: "shared memory",
    ok: true,
    text: ok ? "yes, so all threads work on the same data" : "no, so one thread does the work",
  };
}

async function attempt(name: string, check: () => Promise<string>): Promise<Check> {
  try {
    return { name, ok: true, text: await check() };
  } catch (error) {
    return { name, ok: false, text: error instanceof Error ? error.message : String(error) };
  }
}

async function knownResult(): Promise<string> {
  const started = performance.now();
  const strict = await selfTest(true);
  if (strict.digest !== RECORDED_DIGEST) {
    throw new Error(
      `a small training gave ${strict.digest} instead of ${RECORDED_DIGEST}: this machine computes differently; please report it`,
    );
  }
  const preferred = await selfTest(false);
  const [expected, got] = [strict, preferred].map((report) => report.loss[report.loss.length - 1]);
  if (Math.abs(got - expected) > 1e-3 * expected) {
    throw new Error(
      `the fast build fits to ${got}, the strict one to ${expected}; use --reproducible, and please report it`,
    );
  }
  return `a small training gives the known result, ${strict.digest}, in ${duration((performance.now() - started) / 1000)}`;
}

/** From a file to ratings by the same way that `fit` takes. */
async function readsFiles(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "lowrank-doctor-"));
  try {
    const file = join(folder, "ratings.csv");
    await writeFile(file, "user,item,rating\n1,10,4\n1,11,2.5\n2,10,5\n");
    const { duckdbVersion, readRatings } = await import("../../readers/index.ts");
    const { ratings } = await readRatings(file);
    if (ratings.size !== 3 || ratings.users.size !== 2)
      throw new Error("three ratings of two users were read as something else");
    return `DuckDB ${await duckdbVersion()} reads rating files`;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

import { PassThrough } from "node:stream";
import type { Progress } from "@lowrank/core";
import { describe, expect, it } from "vitest";
import { Output, type OutputMode } from "./output.ts";
import { countedProgress, foldProgress, trainingProgress } from "./progress.ts";

/** Output whose stderr is a terminal of so many columns, or none, and keeps what it is given. */
function watched(columns: number | undefined, mode: OutputMode = {}) {
  const stream = new PassThrough() as unknown as NodeJS.WriteStream & PassThrough;
  // What cli-progress asks of a terminal.
  if (columns !== undefined)
    Object.assign(stream, { isTTY: true, columns, cursorTo() {}, moveCursor() {}, clearLine() {} });
  let written = "";
  stream.setEncoding("utf8").on("data", (text: string) => {
    written += text;
  });
  return { output: new Output(mode, stream, stream), text: () => written };
}

function progress(pass: number, passes: number): Progress {
  return {
    pass,
    passes,
    passName: "sweeps",
    loss: 0.75,
    lossName: "training RMSE",
    validation: { name: "held-out RMSE", value: 0.8571, best: 0.8571 },
    ratingsPerSecond: 4_120_000,
    seconds: pass / 2,
    secondsLeft: (passes - pass) / 2,
  };
}

describe("progress where there is no terminal", () => {
  it("is one plain line for each of 3 sweeps, with loss, validation and the sweep's own seconds", () => {
    const { output, text } = watched(undefined);
    const { onProgress, stop } = trainingProgress(output);
    for (let pass = 1; pass <= 3; pass++) onProgress(progress(pass, 3));
    stop();
    expect(text().split("\n").slice(0, 2)).toEqual([
      "  sweep 1 of 3: training RMSE 0.7500, held-out RMSE 0.8571, 0.50 s",
      "  sweep 2 of 3: training RMSE 0.7500, held-out RMSE 0.8571, 0.50 s",
    ]);
  });

  it("is at most 32 lines for 10,000 sweeps, the first and the last among them", () => {
    const { output, text } = watched(undefined);
    const { onProgress } = trainingProgress(output);
    for (let pass = 1; pass <= 10_000; pass++) onProgress(progress(pass, 10_000));
    const lines = text().trimEnd().split("\n");
    expect(lines.length).toBeLessThanOrEqual(32);
    expect(lines[0]).toContain("sweep     1 of 10000");
    expect(lines.at(-1)).toContain("sweep 10000 of 10000");
  });

  it("is about 30 lines where each call makes 7 of 1,000 passes, and says the last one of a training that ends early", () => {
    const { output, text } = watched(undefined);
    const { onProgress, stop } = trainingProgress(output);
    for (let pass = 7; pass < 900; pass += 7) onProgress(progress(pass, 1000));
    stop();
    stop();
    const lines = text().trimEnd().split("\n");
    expect(lines.length).toBeGreaterThan(25);
    expect(lines.length).toBeLessThanOrEqual(32);
    expect(lines.at(-1)).toBe("  sweep  896 of 1000: training RMSE 0.7500, held-out RMSE 0.8571, 0.50 s");
  });

  it("is one line for each part of a cross-validation", () => {
    const { output, text } = watched(undefined);
    const { onProgress } = foldProgress(output);
    for (const fold of [1, 2])
      for (const pass of [1, 2, 3]) onProgress({ fold, folds: 2, training: progress(pass, 3) });
    expect(text()).toBe("  part 1 of 2: training RMSE 0.7500, 1.5 s\n  part 2 of 2: training RMSE 0.7500, 1.5 s\n");
  });

  it("is nothing with --quiet", () => {
    const { output, text } = watched(undefined, { quiet: true });
    trainingProgress(output).onProgress(progress(1, 3));
    countedProgress(output, String).update(1, 2);
    expect(text()).toBe("");
  });
});

describe("progress on a terminal", () => {
  it("is a bar with pass, time left, loss, validation and rate on 120 columns", () => {
    const { output, text } = watched(120);
    const { onProgress, stop } = trainingProgress(output);
    onProgress(progress(5, 15));
    stop();
    expect(text()).toContain(
      "5/15 sweeps · 5.0 s left · training RMSE 0.7500 · held-out RMSE 0.8571 · 4.1 M ratings/s",
    );
    expect(text()).toContain("████▋");
  });

  it("leaves out whole figures, the rate first, to stay within 80 columns", () => {
    const { output, text } = watched(80);
    const { onProgress, stop } = trainingProgress(output);
    onProgress(progress(5, 15));
    stop();
    expect(text()).toContain("5/15 sweeps · 5.0 s left · training RMSE 0.7500");
    expect(text()).not.toContain("ratings/s");
  });

  it("shows the cursor again at its end", () => {
    const { output, text } = watched(80);
    const { onProgress, stop } = trainingProgress(output);
    onProgress(progress(1, 2));
    stop();
    expect(text().lastIndexOf("\u001b[?25h")).toBeGreaterThan(text().lastIndexOf("\u001b[?25l"));
  });
});

/** Findings of several trainings as warnings. */
import { Writable } from "node:stream";
import { describe, expect, it, vi } from "vitest";
import { FindingWarnings, ignoredLines, warnOfAll } from "./findings.ts";
import { Output } from "./output.ts";

function warnings(trainings: Parameters<typeof warnOfAll>[1], isSplit = true): string[] {
  let text = "";
  const stream = new Writable({
    write(chunk, _encoding, done) {
      text += String(chunk);
      done();
    },
  }) as unknown as NodeJS.WriteStream;
  const has = (flag: string) => flag === "--learning-rate";
  warnOfAll({ output: new Output({}, stream, stream), has }, trainings, isSplit);
  return text.split("\n").filter((line) => line !== "");
}

const finding = (code: string, message: string) => ({
  code,
  message,
  remedy: "raise learningRate or regularizationExponent",
});

describe("warnOfAll", () => {
  it("says each kind once, in the first one's words, and of which trainings unless of all", () => {
    const trainings = [1, 2, 4].map((rank) => ({
      name: `rank ${rank}`,
      findings: [finding("flat", `flat at ${rank}`), ...(rank > 1 ? [finding("high", `high at ${rank}`)] : [])],
    }));
    expect(warnings(trainings)).toEqual([
      "warning: flat at 1; raise --learning-rate or regularizationExponent",
      "warning: rank 2 and rank 4: high at 2; raise --learning-rate or regularizationExponent",
    ]);
  });

  it("counts the others where many have it, and leaves out what splitting brings about", () => {
    const trainings = [1, 2, 3, 4, 5, 6].map((rank) => ({
      name: `rank ${rank}`,
      findings: rank < 6 ? [finding("high", "too high"), finding("users-without-ratings", "3 users have none")] : [],
    }));
    expect(warnings(trainings)).toEqual([
      "warning: rank 1 and 4 others: too high; raise --learning-rate or regularizationExponent",
    ]);
    expect(warnings(trainings, false)).toHaveLength(2);
  });

  it("names nobody twice where the message begins with who it is of", () => {
    const above = (...high: number[]) =>
      warnings(
        [2, 30, 40].map((rank) => ({
          name: `rank ${rank}`,
          findings: high.includes(rank) ? [finding("high", `rank ${rank} is above 25`)] : [],
        })),
      );
    const remedy = "raise --learning-rate or regularizationExponent";
    expect(above(30)).toEqual([`warning: rank 30 is above 25; ${remedy}`]);
    expect(above(30, 40)).toEqual([`warning: rank 30 is above 25; so it is with rank 40; ${remedy}`]);
  });
});

describe("ignoredLines", () => {
  it("names the columns, and is no line where there are none", () => {
    expect(ignoredLines("als", ["time"])).toEqual(["  als does not look at: time"]);
    expect(ignoredLines("als", [])).toEqual([]);
  });
});

describe("FindingWarnings", () => {
  const finding = (message: string) => ({ code: "learning-rate-too-high" as const, message, remedy: "lower it" });
  const watched = () => {
    const told: string[] = [];
    return { told, warnings: new FindingWarnings(({ message }) => told.push(message)) };
  };

  it("tells what is found before the first pass at once, and what is found on the way of a short training with the figures of its end", () => {
    const { told, warnings } = watched();
    warnings.found(finding("before"));
    expect(told).toEqual(["before"]);
    warnings.passed();
    warnings.found(finding("1.22 after 8 epochs"));
    warnings.passed();
    expect(told).toEqual(["before"]);
    warnings.tell([finding("4.95 after 15 epochs")]);
    warnings.tell();
    expect(told).toEqual(["before", "4.95 after 15 epochs"]);
  });

  it("drops what is no finding at the end, and tells what is held when a training fails", () => {
    const { told, warnings } = watched();
    warnings.passed();
    warnings.found(finding("gone"));
    warnings.tell([]);
    warnings.found(finding("held"));
    warnings.tell();
    expect(told).toEqual(["held"]);
  });

  it("does not wait for the end of a training that takes longer than 10 s", () => {
    const { told, warnings } = watched();
    const now = vi.spyOn(performance, "now");
    try {
      warnings.passed();
      warnings.found(finding("early"));
      now.mockReturnValue(performance.now() + 11_000);
      warnings.passed();
      expect(told).toEqual(["early"]);
    } finally {
      now.mockRestore();
    }
  });
});

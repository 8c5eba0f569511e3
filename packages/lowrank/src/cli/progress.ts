/**
 * Progress of a training: a bar with rate, loss, validation and time left on a terminal; plain lines elsewhere, and then
 * no more of them than a log should hold.
 */
import type { CrossValidationProgress, Progress } from "@lowrank/core";
import { SingleBar } from "cli-progress";
import { bar, counted, duration, figure, rate } from "./format.ts";
import type { Output } from "./output.ts";

/** More passes than this and plain lines report every n-th pass only, about this many in all. */
const MAX_LINES = 30;
const BAR_COLUMNS = 14;

export interface TrainingProgress {
  readonly onProgress: (progress: Progress) => void;
  /** Clears the bar; call in `finally`, so that a failed or stopped training leaves the terminal as it was. */
  stop(): void;
}

/** @param options `lines: false` says nothing where there is no terminal */
export function trainingProgress(output: Output, options: { readonly lines?: boolean } = {}): TrainingProgress {
  const { isTerminal, isQuiet } = output.messages;
  if (isQuiet || (!isTerminal && options.lines === false)) return { onProgress: () => {}, stop: () => {} };
  return isTerminal ? barProgress(output) : lineProgress(output);
}

function barProgress(output: Output): TrainingProgress {
  const line = new BarLine(output);
  return {
    onProgress: (progress) => line.show(progress.pass / progress.passes, barFigures(progress)),
    stop: () => line.stop(),
  };
}

/** One line at the bottom of a terminal: a bar, and words after it that may change with every update. */
class BarLine {
  readonly #line: SingleBar;
  #started = false;
  #share = 0;
  #words: readonly string[] = [];

  constructor(output: Output) {
    const { stream, shown } = output.messages;
    this.#line = new SingleBar({
      stream,
      clearOnComplete: true,
      hideCursor: true,
      linewrap: true,
      fps: 20,
      // Ctrl-C is main.ts's business; stop() restores the cursor.
      gracefulExit: false,
      format: () => {
        const done = bar(this.#share, BAR_COLUMNS).padEnd(BAR_COLUMNS, "░");
        return shown(`  ${done}  ${fitting(this.#words, (stream.columns ?? 80) - BAR_COLUMNS - 5)}`);
      },
    });
  }

  show(share: number, words: readonly string[]): void {
    this.#share = Math.min(1, share);
    this.#words = words;
    if (!this.#started) this.#line.start(1, 0);
    this.#started = true;
    this.#line.update(this.#share);
  }

  stop(): void {
    if (this.#started) this.#line.stop();
    this.#started = false;
  }
}

/** As many of the words, from the first on, as fit in `width` columns. */
function fitting(words: readonly string[], width: number): string {
  let line = "";
  for (const word of words) {
    const longer = line === "" ? word : `${line} · ${word}`;
    if (longer.length > width) break;
    line = longer;
  }
  return line;
}

/** What a bar tells, most wanted first: a narrow terminal leaves out the last ones. */
function barFigures(progress: Progress): string[] {
  const { pass, passes, passName, loss, lossName, validation, ratingsPerSecond, secondsLeft } = progress;
  return [
    `${pass}/${passes} ${passName}`,
    ...(pass < passes ? [`${duration(secondsLeft)} left`] : []),
    `${lossName} ${figure(loss)}`,
    ...(validation === undefined ? [] : [`${validation.name} ${figure(validation.value)}`]),
    `${rate(ratingsPerSecond)} ratings/s`,
  ];
}

function lineProgress(output: Output): TrainingProgress {
  let before = { pass: 0, seconds: 0 };
  let due = 1;
  let unsaid: (() => void) | undefined;
  return {
    onProgress(progress) {
      const { pass, passes, passName, loss, lossName, validation, seconds } = progress;
      const every = Math.max(1, Math.ceil(passes / MAX_LINES));
      // A call may make many passes: the time is that of one of them.
      const passSeconds = (seconds - before.seconds) / Math.max(1, pass - before.pass);
      before = { pass, seconds };
      const say = () => {
        unsaid = undefined;
        const held = validation === undefined ? "" : `, ${validation.name} ${figure(validation.value)}`;
        const number = String(pass).padStart(String(passes).length);
        output.say(
          `  ${passName.slice(0, -1)} ${number} of ${passes}: ${lossName} ${figure(loss)}${held}, ${duration(passSeconds)}`,
        );
      };
      unsaid = say;
      if (pass < due && pass !== passes) return;
      due = (Math.floor(pass / every) + 1) * every;
      say();
    },
    // A training may end before its last pass.
    stop: () => unsaid?.(),
  };
}

/** Progress of something counted in bytes or rows whose total may be unknown. */
export interface CountedProgress {
  update(done: number, total: number | undefined): void;
  stop(): void;
}

/** A bar on a terminal, nothing elsewhere: the line before and after it tell the story in a log. */
export function countedProgress(output: Output, show: (value: number) => string): CountedProgress {
  const { isTerminal, isQuiet } = output.messages;
  if (isQuiet || !isTerminal) return { update: () => {}, stop: () => {} };
  const line = new BarLine(output);
  return {
    update(done, total) {
      const share = total === undefined || total === 0 ? 0 : done / total;
      line.show(share, [total === undefined ? show(done) : `${show(done)} of ${show(total)}`]);
    },
    stop: () => line.stop(),
  };
}

/** One of several trainings, and where it stands. */
export interface PartProgress {
  /** Which one, in words; empty when there is one only */
  readonly name: string;
  /** From 1 */
  readonly part: number;
  readonly parts: number;
  readonly training: Progress;
}

/** Progress of several trainings, one after another: one bar over all of them, or one line for each. */
export function partsProgress(output: Output): {
  readonly onProgress: (progress: PartProgress) => void;
  stop(): void;
} {
  const { isTerminal, isQuiet } = output.messages;
  if (isQuiet) return { onProgress: () => {}, stop: () => {} };
  const line = new BarLine(output);
  return {
    onProgress({ name, part, parts, training }) {
      const { pass, passes, lossName, loss, seconds } = training;
      if (isTerminal) {
        const share = (part - 1 + pass / passes) / parts;
        line.show(share, [...(name === "" ? [] : [name]), ...barFigures(training)]);
      } else if (pass === passes) {
        const start = name === "" ? `${counted(passes, training.passName.slice(0, -1))}` : name;
        output.say(`  ${start}: ${lossName} ${figure(loss)}, ${duration(seconds)}`);
      }
    },
    stop: () => line.stop(),
  };
}

/** Progress of the trainings of a cross-validation. */
export function foldProgress(output: Output): {
  readonly onProgress: (progress: CrossValidationProgress) => void;
  stop(): void;
} {
  const parts = partsProgress(output);
  return {
    onProgress: ({ fold, folds, training }) =>
      parts.onProgress({ name: folds === 1 ? "" : `part ${fold} of ${folds}`, part: fold, parts: folds, training }),
    stop: parts.stop,
  };
}

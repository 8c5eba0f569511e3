import { afterEach, expect, it, vi } from "vitest";

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

it.each([
  ["setImmediate, as in Node", () => {}],
  ["messages, as in a page", () => vi.stubGlobal("setImmediate", undefined)],
])("nextTurn lets timers and messages through and begins a turn, by %s", async (_, host) => {
  host();
  vi.resetModules();
  const { nextTurn, turnIsOver } = await import("./turns.ts");
  let timers = 0;
  let messages = 0;
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => messages++;
  port2.postMessage("one");
  setTimeout(() => timers++, 0);
  vi.spyOn(performance, "now").mockReturnValue(1000); // a clock that stands: a busy machine may take longer than a turn
  expect(turnIsOver()).toBe(true);
  for (let turn = 0; turn < 100_000 && (timers === 0 || messages === 0); turn++) await nextTurn();
  port1.close();
  expect([timers, messages]).toEqual([1, 1]);
  expect(turnIsOver()).toBe(false);
});

it("a turn is over after 15 ms, not before", async () => {
  const { nextTurn, turnIsOver } = await import("./turns.ts");
  const clock = vi.spyOn(performance, "now").mockReturnValue(1000);
  await nextTurn();
  clock.mockReturnValue(1015);
  expect(turnIsOver()).toBe(false);
  clock.mockReturnValue(1015.5);
  expect(turnIsOver()).toBe(true);
});

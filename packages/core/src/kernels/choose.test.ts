import { describe, expect, it } from "vitest";
import { chooseKernels, openKernels } from "./choose.ts";
import { type Host, probeHost } from "./wasm/host.ts";

const full: Host = {
  simd: true,
  compiles: true,
  relaxed: true,
  shared: true,
  workers: true,
  cores: 8,
  isolated: undefined,
};

describe("chooseKernels", () => {
  it("takes the relaxed build on all 8 cores where everything is there", () => {
    const choice = chooseKernels({}, full);
    expect(choice).toMatchObject({ backend: "wasm", build: "relaxed", threads: 8 });
    expect(choice.reason).toBe("WebAssembly, relaxed build (fused multiply-add), 8 threads, one per core");
  });

  it("takes the strict build when reproducible, or where the engine has no relaxed vectors", () => {
    expect(chooseKernels({ reproducible: true }, full)).toMatchObject({ build: "strict" });
    const old = chooseKernels({ threads: 3 }, { ...full, relaxed: false });
    expect(old).toMatchObject({ build: "strict", threads: 3 });
    expect(old.reason).toContain("this engine has no relaxed vectors");
    expect(old.reason).toContain("3 threads, as asked");
  });

  it("takes one thread in a page that is not cross-origin isolated, and names the two headers", () => {
    const page = { ...full, shared: false, isolated: false };
    const choice = chooseKernels({ threads: 4 }, page);
    expect(choice).toMatchObject({ backend: "wasm", threads: 1 });
    expect(choice.reason).toContain("one thread: this page is not cross-origin isolated");
    expect(choice.reason).toContain("Cross-Origin-Opener-Policy: same-origin");
  });

  it("takes one thread, and says why, without shared memory, without workers, with one core", () => {
    expect(chooseKernels({}, { ...full, shared: false }).reason).toContain("this host has no shared memory");
    expect(chooseKernels({}, { ...full, workers: false }).reason).toContain("this host cannot start workers");
    expect(chooseKernels({}, { ...full, cores: 1 }).reason).toContain("this machine has one core");
    expect(chooseKernels({ threads: 1 }, full).reason).toContain("one thread, as asked");
  });

  it("falls back to the reference without vectors, unless wasm was demanded", () => {
    const bare = { ...full, simd: false };
    const choice = chooseKernels({}, bare);
    expect(choice.backend).toBe("reference");
    expect(choice.reason).toContain("this host has no WebAssembly with 128-bit vectors");
    expect(() => chooseKernels({ backend: "wasm" }, bare)).toThrow(
      expect.objectContaining({ code: "backend", message: expect.stringContaining('use backend "auto"') }),
    );
  });

  it("refuses reproducible on a host without vectors, where the reference would give other bits", () => {
    for (const host of [
      { ...full, simd: false },
      { ...full, compiles: false },
    ]) {
      for (const backend of [undefined, "auto", "wasm"] as const) {
        expect(() => chooseKernels({ backend, reproducible: true }, host)).toThrow(
          expect.objectContaining({ code: "backend", message: expect.stringContaining("leave reproducible out") }),
        );
      }
      // Asked for by name, the reference is what was asked for.
      expect(chooseKernels({ backend: "reference", reproducible: true }, host).backend).toBe("reference");
    }
  });

  it("refuses the reference with 2 threads asked for, and takes it with 1 or none named", () => {
    expect(() => chooseKernels({ backend: "reference", threads: 2 }, full)).toThrow(
      'threads must be 1 or left out with backend "reference", got 2',
    );
    expect(chooseKernels({ backend: "reference", threads: 1 }, full).backend).toBe("reference");
    expect(chooseKernels({ backend: "reference" }, full).backend).toBe("reference");
  });

  it("names the source that a page's content policy must allow: wasm-unsafe-eval for vectors, blob: for workers", () => {
    const strictPage = { ...full, compiles: false, isolated: true };
    const choice = chooseKernels({}, strictPage);
    expect(choice.backend).toBe("reference");
    expect(choice.reason).toContain("script-src must allow 'wasm-unsafe-eval'");
    expect(() => chooseKernels({ backend: "wasm" }, strictPage)).toThrow("forbids WebAssembly");
    const withoutWorkers = chooseKernels({ threads: 4 }, { ...full, workers: false, isolated: true });
    expect(withoutWorkers).toMatchObject({ backend: "wasm", threads: 1 });
    expect(withoutWorkers.reason).toContain("must allow worker-src blob:");
  });

  it("refuses unknown options, threads of 0 and words that are no backend", () => {
    expect(() => chooseKernels({ treads: 2 } as never, full)).toThrow('did you mean "threads"');
    expect(() => chooseKernels({ threads: 0 }, full)).toThrow("threads must be a whole number from 1 to 256, got 0");
    expect(() => chooseKernels({ backend: "cuda" as never }, full)).toThrow("backend must be one of");
  });
});

describe("openKernels", () => {
  it("opens what was chosen, with the reason", async () => {
    const kernels = await openKernels({ reproducible: true, threads: 2 });
    expect(kernels).toMatchObject({ backend: "wasm", build: "strict", threads: 2 });
    expect(kernels.reason).toContain("as asked");
    expect(await openKernels({ backend: "reference" })).toMatchObject({
      backend: "reference",
      build: "f64",
      threads: 1,
    });
  });

  it("finds vectors and shared memory in this Node", () => {
    expect(probeHost()).toMatchObject({ simd: true, compiles: true, shared: true, workers: true });
  });
});

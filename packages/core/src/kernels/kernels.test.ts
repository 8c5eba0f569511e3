/** Runs the one behaviour suite on every backend. A build that this host must have and lacks fails here. */
import { describe } from "vitest";
import { kernelCases } from "./kernels.case.ts";
import { openReference } from "./reference/index.ts";

describe("reference", () => kernelCases(openReference("the definition")));

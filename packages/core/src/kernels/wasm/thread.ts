/** One worker, alike in Node and in browsers: messages to it, and an event when it is gone. */
import { nodeThreads } from "./host.ts";
import { workerSource } from "./worker-source.ts";

export interface Thread {
  post(message: unknown): void;
  /** Busy threads keep a Node process alive, idle ones do not. No meaning in browsers. */
  keepAlive(busy: boolean): void;
  end(): Promise<void>;
}

/** @param onGone called once when the worker ended or failed, whatever the reason */
export function startThread(
  name: string,
  onMessage: (message: unknown) => void,
  onGone: (why: string) => void,
): Thread {
  const node = nodeThreads();
  return node === undefined ? startWeb(name, onMessage, onGone) : startNode(node, name, onMessage, onGone);
}

function startNode(
  { Worker }: NonNullable<ReturnType<typeof nodeThreads>>,
  name: string,
  onMessage: (message: unknown) => void,
  onGone: (why: string) => void,
): Thread {
  // execArgv: loaders and --input-type of the main thread are not for this script.
  const worker = new Worker(workerSource, { eval: true, execArgv: [], name });
  let why = "a worker ended";
  worker.unref();
  worker.on("message", onMessage);
  worker.on("error", (error) => {
    why = String(error);
  });
  worker.on("exit", () => onGone(why));
  return {
    post: (message) => worker.postMessage(message),
    keepAlive: (busy) => (busy ? worker.ref() : worker.unref()),
    end: async () => {
      await worker.terminate();
    },
  };
}

let scriptUrl: string | undefined;

function startWeb(name: string, onMessage: (message: unknown) => void, onGone: (why: string) => void): Thread {
  scriptUrl ??= URL.createObjectURL(new Blob([workerSource], { type: "text/javascript" }));
  const worker = new Worker(scriptUrl, { name });
  let gone = false;
  const go = (why: string) => {
    if (gone) return;
    gone = true;
    worker.terminate();
    onGone(why);
  };
  worker.onmessage = (event) => onMessage(event.data);
  worker.onerror = (event) => go(event.message || "a worker could not start");
  return {
    post: (message) => worker.postMessage(message),
    keepAlive: () => {},
    end: async () => go("a worker ended"),
  };
}

/** A web server for one page: the built files of @lowrank/core as modules, the page with headers of choice, its result. */
import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type OutgoingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL(".", import.meta.url));
export const distFolder = fileURLToPath(new URL("../../dist/", import.meta.url));

const types: Record<string, string> = { ".js": "text/javascript", ".map": "application/json" };

const html =
  '<!doctype html><html lang="en"><meta charset="utf-8"><title>lowrank</title><script type="module" src="/page.js"></script>';

export interface PageServer {
  readonly url: string;
  /** What the page posted. Rejects when a file that it asked for could not be read */
  readonly result: Promise<unknown>;
  close(): Promise<void>;
}

/** @param headers of the page and of its files: those of a page count for its blobs, a worker's own file needs its own */
export async function servePage(headers: OutgoingHttpHeaders): Promise<PageServer> {
  let settle: (result: unknown) => void = () => {};
  let fail: (error: unknown) => void = () => {};
  const result = new Promise<unknown>((resolve, reject) => {
    settle = resolve;
    fail = reject;
  });
  result.catch(() => {}); // whoever waits for it hears of it
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const { pathname } = new URL(request.url ?? "/", "http://page");
    if (pathname === "/") {
      response.writeHead(200, { "Content-Type": "text/html; charset=utf-8", ...headers }).end(html);
    } else if (pathname === "/favicon.ico") {
      response.writeHead(204).end();
    } else if (pathname === "/result") {
      const parts: Uint8Array[] = [];
      for await (const part of request) parts.push(part as Uint8Array);
      response.writeHead(204).end();
      settle(JSON.parse(Buffer.concat(parts).toString("utf8")));
    } else {
      const content = await readFile(fileFor(pathname));
      const type = types[extname(pathname)] ?? "application/octet-stream";
      response.writeHead(200, { "Content-Type": type, ...headers }).end(content);
    }
  };
  const server = createServer((request, response) => {
    answer(request, response).catch((error) => {
      response.writeHead(500).end();
      fail(error);
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    result,
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

function fileFor(pathname: string): string {
  // `normalize` of a path that begins with / leaves no way out of the folder.
  const path = normalize(pathname);
  return path.startsWith("/core/") ? join(distFolder, path.slice("/core/".length)) : join(here, path);
}

import { createHash, type Hash } from "node:crypto";
import type { HttpUrlConfig } from "../main/config/model.js";
import type { Outcome } from "./protocol.js";

/** keepalived reads into 4 KB with a NUL at the end. */
const maxHeaderBytes = 4095;
/** Without a digest the status decides, so nobody needs the rest. */
const maxBodyBytes = 1 << 20;
/** With a digest the whole body counts. Ours: keepalived has no limit. */
const maxDigestedBytes = 1 << 24;

type Progress =
  | { readonly at: "header"; readonly bytes: Buffer }
  | { readonly at: "body"; readonly status: number; readonly contentLength: number; readonly received: number }
  | { readonly at: "refused"; readonly detail: string };

export interface HttpVerdict {
  readonly outcome: Outcome;
  readonly status: number;
  readonly detail: string;
}

/**
 * One HTTP/1.x response, fed as it arrives until the server closes. Holds at most a header; the body is counted and digested,
 * never kept. Transfer codings are not undone: keepalived digests what is on the wire, and so did whoever ran genhash.
 */
export class HttpResponse {
  readonly #url: HttpUrlConfig;
  readonly #md5: Hash | undefined;
  #progress: Progress = { at: "header", bytes: Buffer.alloc(0) };

  constructor(url: HttpUrlConfig) {
    this.#url = url;
    this.#md5 = url.digest === undefined ? undefined : createHash("md5");
  }

  /** @returns true when the verdict no longer depends on what is still to come */
  feed(chunk: Buffer): boolean {
    if (this.#progress.at === "header") return this.#header(Buffer.concat([this.#progress.bytes, chunk]));
    if (this.#progress.at === "body") return this.#body(this.#progress, chunk);
    return true;
  }

  #header(bytes: Buffer): boolean {
    const end = headerEnd(bytes);
    if ((end ?? bytes.length) > maxHeaderBytes) {
      this.#progress = { at: "refused", detail: `Response header longer than ${maxHeaderBytes} bytes` };
      return true;
    }
    if (end === undefined) {
      this.#progress = { at: "header", bytes };
      return false;
    }
    const header = bytes.toString("latin1", 0, end);
    const body = { at: "body", status: statusOf(header), contentLength: contentLengthOf(header), received: 0 } as const;
    this.#progress = body;
    return end < bytes.length ? this.#body(body, bytes.subarray(end)) : false;
  }

  #body(before: Extract<Progress, { at: "body" }>, chunk: Buffer): boolean {
    // What follows Content-Length bytes is no part of the digest.
    this.#md5?.update(chunk.subarray(0, Math.max(0, before.contentLength - before.received)));
    const received = before.received + chunk.length;
    this.#progress = { ...before, received };
    if (this.#md5 === undefined) return received >= maxBodyBytes;
    if (received <= maxDigestedBytes) return false;
    this.#progress = { at: "refused", detail: `Body longer than ${maxDigestedBytes} bytes, digest given up` };
    return true;
  }

  /** Once, after the last `feed`. Order of the tests: keepalived's (got a header, status, digest). */
  verdict(): HttpVerdict {
    const progress = this.#progress;
    if (progress.at === "refused") return bad("bad-response", 0, progress.detail);
    if (progress.at === "header") {
      const what = progress.bytes.length === 0 ? "Read, no data received" : "No HTTP header in response";
      return bad("bad-response", 0, what);
    }
    const { status } = progress;
    if (!this.#url.statusCodes.some(({ from, to }) => status >= from && status <= to)) {
      return bad("bad-status", status, `HTTP status code error, status_code [${status}]`);
    }
    const digest = this.#md5?.digest("hex");
    if (digest !== this.#url.digest) return bad("bad-digest", status, `MD5 digest error, MD5SUM [${digest}]`);
    return { outcome: "up", status, detail: "" };
  }
}

const bad = (outcome: Outcome, status: number, detail: string): HttpVerdict => ({ outcome, status, detail });

/** Where the body begins: behind the first empty line, with or without carriage returns. */
function headerEnd(bytes: Buffer): number | undefined {
  const crlf = bytes.indexOf("\r\n\r\n", 0, "latin1");
  const lf = bytes.indexOf("\n\n", 0, "latin1");
  if (crlf === -1) return lf === -1 ? undefined : lf + 2;
  return lf !== -1 && lf < crlf ? lf + 2 : crlf + 4;
}

/** Three digits between the first blank and the next; anything else is 0, as keepalived has it. */
function statusOf(header: string): number {
  const code = /^[^ \r\n]* (\d{3}) /.exec(header)?.[1];
  return code === undefined ? 0 : Number(code);
}

/** Infinity when there is none. Field names are case-insensitive (RFC 9110 §5.1). */
function contentLengthOf(header: string): number {
  const digits = /\ncontent-length:[ \t]*(\d{1,15})/i.exec(header)?.[1];
  return digits === undefined ? Number.POSITIVE_INFINITY : Number(digits);
}

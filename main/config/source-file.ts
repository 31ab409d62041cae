import { isAscii } from "node:buffer";
import type { ExpandedFrom, SourcePosition } from "./model.js";

/** Text that words were cut from. Positions are made when somebody asks. */
export interface Origin {
  readonly text: string;
  /** Both count from 1; the column is one of `text`. */
  position(line: number, column: number): SourcePosition;
}

/** keepalived.conf(5): lines are bytes. One byte per character where the file allows it: twice as fast to scan. */
export class SourceFile implements Origin {
  readonly path: string;
  readonly text: string;
  readonly ascii: boolean;
  /** Holds NUL bytes or bytes that are no UTF-8 (or the character that stands for them): lines need a closer look. */
  readonly odd: boolean;
  /** A byte order mark stood at the beginning; `text` is without it. */
  readonly marked: boolean;

  constructor(path: string, bytes: Uint8Array) {
    this.path = path;
    this.ascii = isAscii(bytes);
    const text = this.ascii ? asBuffer(bytes).toString("latin1") : decoder.decode(bytes);
    this.marked = text.startsWith(BYTE_ORDER_MARK);
    this.text = this.marked ? text.slice(1) : text;
    this.odd = text.includes("\0") || (!this.ascii && text.includes(REPLACEMENT));
  }

  position(line: number, column: number): SourcePosition {
    return { file: this.path, line, column };
  }

  positionOf(line: number, offset: number): SourcePosition {
    const lineStart = offset === 0 ? 0 : this.text.lastIndexOf("\n", offset - 1) + 1;
    return { file: this.path, line, column: offset - lineStart + 1 };
  }

  /** Like the shell's dirname: what relative names in the file are relative to. */
  get directory(): string {
    return this.path.slice(0, this.path.lastIndexOf("/")) || "/";
  }
}

/** A line that substitution or repetition made: columns inside it mean nothing, so all words stand where it was used. */
export class MadeLine implements Origin {
  readonly text: string;
  readonly #use: SourcePosition;

  constructor(text: string, use: SourcePosition, from: readonly ExpandedFrom[]) {
    this.text = text;
    this.#use = from.length === 0 ? use : { file: use.file, line: use.line, column: use.column, from };
  }

  position(): SourcePosition {
    return this.#use;
  }
}

export const REPLACEMENT = "\uFFFD";
const BYTE_ORDER_MARK = "\uFEFF";
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

import { cutAtBraces, type ScannedLine } from "./scan.js";
import { canonicalWords, hasEscapes } from "./words.js";

/** Longer lines are thrown away by keepalived; counted in bytes, without the line end. */
export const LONGEST_LINE = 1022;

/** One line of the result, without its indentation. */
export interface Row {
  readonly text: string;
  /** Stands after `text`, two blanks away; empty when there is none. */
  readonly comment: string;
  /** The braces in `text`, in order: they move the depth. */
  readonly braces: readonly string[];
  /** `@id` or `@^id` in front of `text`; empty when there is none. */
  readonly condition: string;
  /** A `{` that begins the next line may be appended. */
  readonly takesBrace: boolean;
}

const CONDITION = /^(@[^ \t"{}$]*)[ \t]+(.*)$/s;
const DEFINITION = /^\$[A-Za-z_]\w*=/;
const INCLUDE = /^(include[rmwba]?)[ \t]+/;
/** These mean something at the beginning of a line only, so no statement that begins so may be brought there. */
const SPECIAL_AT_START = /^(?:[@~$]|include[rmwba]?(?:[ \t"{}]|$))/;
const BYTE_ORDER_MARK = "\xEF\xBB\xBF";

/** A scanned line whose condition is taken off. */
interface Line extends ScannedLine {
  readonly condition: string;
  readonly rest: string;
}

/** How a line with more than a comment is written: one row for each statement, or a single one where that is not safe. */
export function rowsOf(scanned: ScannedLine): readonly Row[] {
  const [, condition = "", rest = scanned.code] = CONDITION.exec(scanned.code) ?? [];
  const line: Line = { ...scanned, condition, rest };
  const rows = canonicalRows(line);
  const fits = rows?.every((row) => lengthOf(row) <= LONGEST_LINE);
  return rows !== undefined && fits === true ? rows : [asItIs(line)];
}

export const lengthOf = ({ text, comment }: Pick<Row, "text" | "comment">): number =>
  text.length + (comment === "" ? 0 : comment.length + 2);

/** Whether keepalived does not look for words in the line: quotes and braces are letters in it. */
export const isOpaque = ({ code }: ScannedLine): boolean => opaque(CONDITION.exec(code)?.[2] ?? code);

const opaque = (rest: string): boolean => DEFINITION.test(rest) || INCLUDE.test(rest);

/**
 * Whether the line may begin a value that goes on in the next one. Where that depends on what is known only when the
 * file is read (is the condition true?) the answer is yes: lines of a value are kept as they are, so it does no harm.
 */
export const mayContinue = ({ code, endsInBackslash }: ScannedLine): boolean =>
  endsInBackslash && (/(?:^|[{}])[ \t\r\f\v]*[@~$]/.test(code) || code.startsWith(BYTE_ORDER_MARK));

/** The line as one row with nothing changed inside it. */
function asItIs({ text, rest, condition }: Line): Row {
  const braces = opaque(rest) ? [] : cutAtBraces(rest).filter(isBrace);
  return { text, comment: "", braces, condition, takesBrace: false };
}

/** Undefined: nothing in the line may be changed. */
function canonicalRows(line: Line): readonly Row[] | undefined {
  const { doubt, condition, rest, comment } = line;
  if (doubt !== undefined || DEFINITION.test(rest) || rest.startsWith(BYTE_ORDER_MARK)) return undefined;
  if (condition !== "") return conditionalRow(line);
  const include = INCLUDE.exec(rest);
  if (include !== null) {
    // Blanks are part of the file's name.
    const text = `${include[1]} ${rest.slice(include[0].length)}`;
    return [{ text, comment, braces: [], condition, takesBrace: false }];
  }
  if (SPECIAL_AT_START.test(rest) && !rest.startsWith("$")) return undefined;
  return statementRows(line);
}

/** A condition covers its line, braces included, so the line must stay one. */
function conditionalRow(line: Line): readonly Row[] | undefined {
  const { condition, rest } = line;
  const [row, ...more] = SPECIAL_AT_START.test(rest) ? [] : (statementRows(line) ?? []);
  if (row === undefined || more.length > 0) return undefined;
  return [{ ...row, text: `${condition} ${row.text}`, condition, takesBrace: false }];
}

function statementRows({ rest, comment }: Line): readonly Row[] | undefined {
  const pieces = cutAtBraces(rest);
  const rows: Row[] = [];
  for (const [i, piece] of pieces.entries()) {
    if (isBrace(piece)) {
      const belongsToWords = piece === "{" && i > 0 && !isBrace(pieces[i - 1] ?? "");
      if (!belongsToWords) rows.push(braceRow(piece));
      continue;
    }
    if (i > 0 && SPECIAL_AT_START.test(piece)) return undefined;
    const opens = pieces[i + 1] === "{";
    const uncertain = piece.includes("$") || hasEscapes(piece);
    if (uncertain && !mayStayBefore(rest, i, pieces)) return undefined;
    const words = canonicalWords(piece);
    if (opens) rows.push({ ...braceRow("{"), text: `${words} {` });
    else rows.push({ text: words, comment: "", braces: [], condition: "", takesBrace: !uncertain });
  }
  // keepalived throws the whole line away when its substitution fails: what stands on one line must fail together.
  if (rows.length > 1 && rest.includes("$")) return undefined;
  const last = rows.at(-1);
  return last === undefined ? rows : [...rows.slice(0, -1), { ...last, comment }];
}

/**
 * For text whose quotes are not known before substitution, or follow a script's rules: only a single `{` at the very
 * end, after a blank, is certainly the beginning of a block.
 */
function mayStayBefore(rest: string, i: number, pieces: readonly string[]): boolean {
  if (i === pieces.length - 1) return true;
  return i === pieces.length - 2 && /[ \t]\{$/.test(rest);
}

/** A brace alone on its line. */
export function braceRow(brace: "{" | "}"): Row {
  return { text: brace, comment: "", braces: [brace], condition: "", takesBrace: false };
}

const isBrace = (piece: string): piece is "{" | "}" => piece === "{" || piece === "}";

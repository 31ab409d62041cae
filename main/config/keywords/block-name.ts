import { reportMissing } from "../apply.js";
import type { Context } from "../keyword.js";
import type { Word } from "../lexer.js";

/** The one name of a block; keepalived skips a block that has not exactly one. */
export function blockName(header: readonly Word[], context: Context): string | undefined {
  const { keyword: block, diagnostics } = context;
  const [name, surplus] = header;
  if (name === undefined || name.text === "") {
    reportMissing(context, 2, "NAME {");
    return undefined;
  }
  if (surplus === undefined) return name.text;
  const message = `Block ${block} has extra parameters ${surplus.text} - skipping it`;
  diagnostics.error("CFG_BRACE", surplus.at, message, 'a name with blanks stands in double quotes: "two words"');
  return undefined;
}

/** The name of a block whose further words keepalived does not look at. */
export function firstName(header: readonly Word[], context: Context): string | undefined {
  const [name, surplus] = header;
  if (name === undefined || name.text === "") {
    reportMissing(context, 2, "NAME {");
    return undefined;
  }
  if (surplus !== undefined) {
    const message = `'${surplus.text}' after ${context.keyword} ${name.text} is ignored`;
    context.diagnostics.warn(
      "CFG_ADVICE",
      surplus.at,
      message,
      'a name with blanks stands in double quotes: "two words"',
    );
  }
  return name.text;
}

/** The name of a block that keepalived skips unless it has exactly one, without ending for want of it. */
export function onlyName(header: readonly Word[], context: Context): string | undefined {
  if (header[0] !== undefined && header[0].text !== "") return blockName(header, context);
  const message = `${context.keyword} must have a name - skipping it`;
  context.diagnostics.error("CFG_INCOMPLETE", context.at, message, `write: ${context.keyword} NAME {`);
  return undefined;
}

/** What the language has beside keywords, as keepalived.conf(5) describes it. No table of keywords has these words. */
export interface LanguagePart {
  /** What somebody may ask for. */
  readonly names: readonly string[];
  readonly forms: readonly string[];
  readonly doc: string;
}

const braced = (text: string): string => `\${${text}}`;

export const languageParts: readonly LanguagePart[] = [
  {
    names: ["#", "!"],
    forms: ["# text", "! text"],
    doc: "A comment up to the end of the line. It may begin within a word: a password that has one stands in double quotes.",
  },
  {
    names: ["include"],
    forms: ["include FILE"],
    doc: "Reads FILE here, also within a block. Wildcards and {a,b} work; a relative name is looked up beside the file that includes. What is missing is a warning.",
  },
  {
    names: ["includer", "includem", "includew", "includeb", "includea"],
    forms: ["includer FILE", "includem FILE", "includew FILE", "includeb FILE", "includea FILE"],
    doc: "Include whose failure is an error: r when a file cannot be read; m also when it is missing, w when nothing fits a pattern, b when one of {a,b} is missing; a all of these. include_check makes it the rule.",
  },
  {
    names: ["@", "@^"],
    forms: ["@ID LINE", "@^ID LINE"],
    doc: "LINE counts only where the config id is ID; with ^, where it is another one. The id is that of --config-id, else the host name up to its first dot.",
  },
  {
    names: ["$"],
    forms: ["$NAME=VALUE", braced("NAME")],
    doc: "Defines NAME, and stands for its VALUE. A backslash at the end of a line goes on with the value on the next one. Before a blank, a comma, a ) or the end of the line, $NAME will do.",
  },
  {
    names: ["_PWD", "_INSTANCE", "_ENV", "_RANDOM", "_HASH", "_BANG"],
    forms: ["_PWD", "_INSTANCE", "_ENV NAME", "_RANDOM [MIN [MAX]]", "_HASH", "_BANG"].map(braced),
    doc: "Defined already: the folder of the file, the config id, a variable of the environment, a number (0 to 32767 unless told), # and !.",
  },
  {
    names: ["~SEQ", "~SEQx"],
    forms: ["~SEQ(NAME, [START, [STEP,]] END) LINE", "~SEQx(NAME, [START, [STEP,]] END) LINE"],
    doc: "Repeats LINE with NAME from START, or 1, to END; ~SEQx counts in hexadecimal. A block is repeated as a definition of several lines.",
  },
  {
    names: ["~LST"],
    forms: ["~LST(NAME, VALUE, ...) LINE", "~LST({NAME,NAME}, {VALUE,VALUE}, ...) LINE"],
    doc: "Repeats LINE with each VALUE as NAME.",
  },
];

/** The text of `holdfast explain` for `name`; undefined when it is no part of the language. */
export function explainLanguage(name: string): string | undefined {
  const part = languageParts.find(({ names }) => names.includes(name));
  return part && `${part.forms.join("\n")}\n    ${part.doc}\n`;
}

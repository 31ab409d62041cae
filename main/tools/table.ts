export interface Tool {
  /** One line for `holdfast help`. */
  readonly summary: string;
  readonly usage: string;
  load(): Promise<{ run(argv: readonly string[]): Promise<number> }>;
}

/** By the word after `holdfast`. bin/holdfast and the completion scripts list the same words (tests hold them together). */
export const toolTable: Readonly<Record<string, Tool>> = {
  check: {
    summary: "read configurations and say everything that is wrong with them",
    usage: "check FILE... [--format text|json|sarif] [--strict] [--config-id ID]",
    load: () => import("./check.js"),
  },
  fmt: {
    summary: "format configurations, keeping comments and includes",
    usage: "fmt [FILE...] [--check] [--diff] [--indent N|tab]",
    load: () => import("./fmt.js"),
  },
  explain: {
    summary: "tell what a keyword does, where it may stand and what it takes",
    usage: "explain KEYWORD | --list",
    load: () => import("./explain.js"),
  },
  config: {
    summary: "show the effective configuration: includes, definitions and defaults filled in",
    usage: "config show FILE [--format conf|json] [--secrets] [--config-id ID]",
    load: () => import("./config-show.js"),
  },
  completion: {
    summary: "print a completion script for a shell",
    usage: "completion bash|zsh|fish",
    load: () => import("./completion.js"),
  },
  lsp: {
    summary: "language server for editors, on standard input and output",
    usage: "lsp",
    load: () => import("./lsp.js"),
  },
};

export function helpText(): string {
  const rows = Object.values(toolTable).map(({ usage, summary }) => `  holdfast ${usage}\n      ${summary}\n`);
  return `Tools for configuration files (each has --help):\n\n${rows.join("")}\nThe daemon's options: holdfast -h\n`;
}

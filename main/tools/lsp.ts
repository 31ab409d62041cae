import { serve } from "../lsp/server.js";

const usage = `usage: holdfast lsp
A language server (LSP) for keepalived.conf on standard input and output: findings, completion, hover, go to definition,
outline and formatting. editors/README.md shows how editors start it.
`;

/** `holdfast lsp`: runs until the editor ends it. */
export async function run(argv: readonly string[]): Promise<number> {
  const asked = argv.some((word) => word === "--help" || word === "-h");
  // Editors add options of their own, such as --stdio: there is only one way to talk to us.
  if (asked) process.stdout.write(usage);
  else await serve(process.stdin, process.stdout);
  return 0;
}

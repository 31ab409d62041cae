import { completionScript, shells } from "./completion/scripts.js";

const usage = `usage: holdfast completion bash|zsh|fish
Prints a completion script. For this shell only:
  bash:  source <(holdfast completion bash)
  zsh:   source <(holdfast completion zsh)        (after compinit)
  fish:  holdfast completion fish | source
For all: put it into /usr/share/bash-completion/completions/holdfast, a folder of zsh's fpath as _holdfast, or
/usr/share/fish/vendor_completions.d/holdfast.fish.
`;

/** `holdfast completion`: exit 0; 2 for a wrong command line. */
export async function run(argv: readonly string[]): Promise<number> {
  const [shell, ...more] = argv;
  if (shell === "--help" || shell === "-h") {
    process.stdout.write(usage);
    return 0;
  }
  const known = shells.find((name) => name === shell);
  if (known === undefined || more.length > 0) {
    process.stderr.write(shell === undefined ? usage : `holdfast completion: no script for '${shell}'\n${usage}`);
    return 2;
  }
  process.stdout.write(completionScript(known));
  return 0;
}

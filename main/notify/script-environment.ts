/** The dynamic linker and the shell act on these: they must not pass from whoever started the daemon to a script. */
const unset = new Set(["IFS", "LD_PRELOAD", "LD_LIBRARY_PATH"]);

/** Between launcher and daemon only (native-bindings/launcher/PROTOCOL.md). */
const internalPrefix = "HOLDFAST_";

/** The environment of every script, as `NAME=value`: the daemon's own, without what is dangerous or internal. */
export function scriptEnvironment(env: Readonly<Record<string, string | undefined>>): readonly string[] {
  return Object.entries(env).flatMap(([name, value]) => {
    const dropped = value === undefined || unset.has(name) || name.startsWith(internalPrefix);
    return dropped ? [] : [`${name}=${value}`];
  });
}

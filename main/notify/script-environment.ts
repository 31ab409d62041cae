/** The dynamic linker and the shell act on these: they must not pass from whoever started the daemon to a script. */
const dangerous = ["IFS", "LD_PRELOAD", "LD_LIBRARY_PATH"];
/** Set by the launcher, for the memory of the daemon. */
const unset = new Set([...dangerous, "MALLOC_MMAP_THRESHOLD_"]);

/** Between launcher and daemon only (native-bindings/launcher/PROTOCOL.md). */
const internalPrefix = "HOLDFAST_";

/** The environment of every script, as `NAME=value`: the daemon's own, without what is dangerous or internal. */
export function scriptEnvironment(env: Readonly<Record<string, string | undefined>>): readonly string[] {
  return Object.entries(env).flatMap(([name, value]) => {
    const dropped = value === undefined || unset.has(name) || name.startsWith(internalPrefix);
    return dropped ? [] : [`${name}=${value}`];
  });
}

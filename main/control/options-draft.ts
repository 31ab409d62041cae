/** Built up while the words are read; `options.ts` turns it into `Options`. */
export interface OptionsDraft {
  configFile: string | undefined;
  daemons: { vrrp: boolean; checker: boolean; bfd: boolean };
  logConsole: boolean;
  /** 0, 1 for -D, 2 for -DD. */
  logDetail: number;
  /** Facility number of syslog(3). */
  logFacility: number;
  syslog: boolean;
  /** As given: absolute, or relative to the dump directory. */
  logFile: string | undefined;
  flushLogFile: boolean;
  logJson: string | undefined;
  /** Undefined: the `umask` keyword or the default decides. */
  umask: number | undefined;
  releaseVips: boolean;
  dontReleaseVrrp: boolean;
  dontReleaseIpvs: boolean;
  dontRespawn: boolean;
  dontFork: boolean;
  dumpConfig: boolean;
  pidFile: string | undefined;
  vrrpPidFile: string | undefined;
  checkersPidFile: string | undefined;
  bfdPidFile: string | undefined;
  /** -s; undefined: the keyword or the present one. */
  namespace: string | undefined;
  addressMonitoring: boolean;
  allConfig: boolean;
  configId: string | undefined;
  /** With -t: words without effect in this version are errors. */
  strict: boolean;
  ignoreSigint: boolean;
  /** In the place of a keepalived that runs. */
  takeOver: boolean;
  ipvs: string | undefined;
  controlSocket: string | undefined;
  /** `--json` of `holdfast status` and `holdfast why`. */
  statusJson: boolean;
}

/** What to do instead of running the daemon. The first three end the reading of the command line, as keepalived does. */
export type Action =
  | { readonly do: "run" }
  /** `of`: of one question to a running daemon; undefined: of everything. */
  | { readonly do: "usage"; readonly of?: "status" | "servers" | "why" | "upgrade" | "give-way" }
  | { readonly do: "version" }
  | { readonly do: "signum"; readonly name: string }
  | { readonly do: "status" }
  | { readonly do: "servers" }
  | { readonly do: "upgrade" }
  | { readonly do: "give-way" }
  | { readonly do: "why"; readonly instance: string }
  /** `output`: file for the diagnostics, appended to; undefined: standard error. */
  | { readonly do: "config-test"; readonly output: string | undefined };

/** Without any option. */
export function emptyDraft(): OptionsDraft {
  return {
    configFile: undefined,
    daemons: { vrrp: true, checker: true, bfd: true },
    logConsole: false,
    logDetail: 0,
    logFacility: 3,
    syslog: true,
    logFile: undefined,
    flushLogFile: false,
    logJson: undefined,
    umask: undefined,
    releaseVips: false,
    dontReleaseVrrp: false,
    dontReleaseIpvs: false,
    dontRespawn: false,
    dontFork: false,
    dumpConfig: false,
    pidFile: undefined,
    vrrpPidFile: undefined,
    checkersPidFile: undefined,
    bfdPidFile: undefined,
    namespace: undefined,
    addressMonitoring: false,
    allConfig: false,
    configId: undefined,
    strict: false,
    ignoreSigint: false,
    takeOver: false,
    ipvs: undefined,
    controlSocket: undefined,
    statusJson: false,
  };
}

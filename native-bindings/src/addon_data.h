#pragma once
#include <sched.h>
#include <uv.h>

#include <memory>
#include <optional>

#include "unique_fd.h"

class LoopBreaks;
class ScriptStarts;

// One per environment: the main thread and every worker have their own. The only home for add-on state.
struct AddonData {
  AddonData();
  ~AddonData();

  uv_loop_t* loop = nullptr;
  std::optional<cpu_set_t> cpus;  // that the thread was started on: it may be bound to some of them later
  UniqueFd schedstat;  // of this thread, once somebody has read it
  LoopBreaks* loop_breaks = nullptr;  // once it was asked for; the loop's, as its handle is
  std::unique_ptr<ScriptStarts> script_starts;  // once it has started a script
};

#pragma once
#include <uv.h>

#include "unique_fd.h"

// One per environment: the main thread and every worker have their own. The only home for add-on state.
struct AddonData {
  uv_loop_t* loop = nullptr;
  UniqueFd schedstat;  // of this thread, once somebody has read it
};

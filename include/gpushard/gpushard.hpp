#pragma once

/// One Faiss index file over every device of a machine. This header is the whole library but for `faiss/`.

#include <gpushard/backend.hpp>
#include <gpushard/byte_source.hpp>
#include <gpushard/bytes.hpp>
#include <gpushard/device_info.hpp>
#include <gpushard/doctor.hpp>
#include <gpushard/error.hpp>
#include <gpushard/explain.hpp>
#include <gpushard/index_inspector.hpp>
#include <gpushard/index_limits.hpp>
#include <gpushard/index_profile.hpp>
#include <gpushard/load.hpp>
#include <gpushard/log.hpp>
#include <gpushard/memory_model.hpp>
#include <gpushard/placement_plan.hpp>
#include <gpushard/placement_planner.hpp>
#include <gpushard/printable_text.hpp>
#include <gpushard/report.hpp>
#include <gpushard/rig_files.hpp>
#include <gpushard/sharded_index.hpp>
#include <gpushard/stock_faiss.hpp>
#include <gpushard/version.hpp>

#include "body.hpp"

#include <algorithm>
#include <cstring>

Body::Body(const Options& options) {
    if (options.data) {
        block_ = *options.data;
        size_ = block_.size();
    } else if (options.data_size) {
        // One block is lent again and again. The library takes 65,536 parts; 1 MiB makes 64 GiB of them.
        size_ = *options.data_size;
        std::uint64_t block = std::max<std::uint64_t>(std::uint64_t(1) << 20, (size_ + 65535) / 65536);
        block_.assign(static_cast<std::size_t>(std::min(size_, block)), 'a');
    }
    for (std::uint64_t left = size_; left > 0;) {
        std::uint64_t part = std::min<std::uint64_t>(left, block_.size());
        parts_.push_back(turbo::bytes(std::string_view(block_).substr(0, static_cast<std::size_t>(part))));
        left -= part;
    }
}

std::size_t Body::copy(std::uint64_t offset, turbo_span span) const {
    if (offset >= size_) return 0;
    auto        at = static_cast<std::size_t>(offset % block_.size());
    std::size_t size = std::min({span.size, block_.size() - at, static_cast<std::size_t>(size_ - offset)});
    std::memcpy(span.data, block_.data() + at, size);
    return size;
}

// The one translation unit that holds Boost.JSON's code: Debian ships it header-only.
#include <boost/json/src.hpp>

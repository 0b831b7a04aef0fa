// The compiled part of Boost.URL, once.
#include <boost/url/src.hpp>

// The one translation unit that holds Asio's and Beast's code; everything else sees declarations.
#include <boost/asio/impl/src.hpp>
#include <boost/beast/src.hpp>

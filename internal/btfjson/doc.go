// Package btfjson writes values of BTF types as JSON and reads them again.
//
// A [Codec] is made once for a type and then runs over bytes as the kernel has
// them, in the byte order of the machine, with no reflection and no allocation
// for each value.
//
// Integers and floats are numbers, _Bool is true or false, an enumeration is the
// name of its value, a structure or union an object, an array of char that holds
// text a string, any other array an array. Integers of the types __be16,
// __be32 and __be64 count in network byte order. What BTF does not describe is
// a string of hexadecimal digits, "0x0a0b".
//
// Reading takes more than writing makes: numbers in any base, names or numbers for
// enumerations, an IPv4, IPv6 or Ethernet address for an array of 4, 16 or 6
// bytes, and "0x" with all bytes for any array or structure. What is left out of an object
// is zero.
package btfjson

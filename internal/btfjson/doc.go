// Package btfjson writes values of BTF types as JSON and reads them again.
//
// A [Codec] is made once for a type and then runs over bytes as the kernel has
// them, in the byte order of the machine, with no reflection and no allocation
// for each value.
//
// Integers and floats are numbers, _Bool is true or false, an enumeration is the
// name of its value, a structure or union an object, an array of char that holds
// text a string, any other array an array. Integers of the types __be16
// and __be64 count in network byte order. What most likely is an address is written as
// one: an array of 4, 6 or 16 __u8, a __be32, struct in_addr and in6_addr; and the key of a
// trie as a prefix, "10.0.0.0/8". What BTF does not describe is a string of
// hexadecimal digits, "0x0a0b"; so are floats and booleans that have no other name, and the
// bytes between the members of a structure, as its member "(padding)", if they are not zero.
// What is written is read as the same bytes.
//
// Reading takes more than writing makes: numbers in any base, names or numbers for
// enumerations, an IPv4 address for any unsigned number of 4 bytes, which it fills in
// network byte order, numbers for a __be32, arrays and objects for addresses, addresses for bytes that BTF does
// not describe, and "0x" with all bytes for any array or structure. What is left out of an object or array is zero, or
// stays as it is.
package btfjson

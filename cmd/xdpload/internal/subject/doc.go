// Package subject is what lines name: programs, maps, devices, pins, and the hooks that
// they change; as grammar, as look-up, and as nouns of reports.
package subject

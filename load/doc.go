// Package load makes of an object what the kernel holds: maps, programs, the slots
// of program arrays, and pins. It knows no hook. [Verify] asks the kernel about
// programs and keeps none.
package load

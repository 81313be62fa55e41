package env

// The statuses with which the program ends.
const (
	StatusDone    = 0
	StatusWords   = 1 // the words of the command line are wrong, or a batch failed
	StatusRefused = 2 // the object, the kernel or the device refused
)

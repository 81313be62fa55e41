package netlink

import (
	"fmt"
	"strconv"
	"strings"
)

// A Verdict is what an action says about a packet: a TC_ACT_* number of
// linux/pkt_cls.h, of which jump and goto carry a value in their low 28 bits.
type Verdict int32

// The verdicts without a value.
const (
	VerdictContinue   Verdict = _TC_ACT_UNSPEC     // go on with the next filter
	VerdictPass       Verdict = _TC_ACT_OK         // end, accept
	VerdictReclassify Verdict = _TC_ACT_RECLASSIFY // begin again with the first filter
	VerdictDrop       Verdict = _TC_ACT_SHOT
	VerdictPipe       Verdict = _TC_ACT_PIPE // go on with the next action
	VerdictStolen     Verdict = _TC_ACT_STOLEN
	VerdictTrap       Verdict = _TC_ACT_TRAP // from hardware to the host
)

// verdicts under the names that tc(8) prints, then those that it also reads.
var verdicts = []name[Verdict]{
	{VerdictContinue, "continue"},
	{VerdictPass, "pass"},
	{VerdictReclassify, "reclassify"},
	{VerdictDrop, "drop"},
	{VerdictPipe, "pipe"},
	{VerdictStolen, "stolen"},
	{VerdictTrap, "trap"},
	{VerdictPass, "ok"},
	{VerdictDrop, "shot"},
}

// Jump skips the next n actions.
func Jump(n uint32) Verdict { return _TC_ACT_JUMP | Verdict(n&_TC_ACT_EXT_VAL_MASK) }

// GotoChain goes on with the first filter of a chain.
func GotoChain(chain uint32) Verdict { return _TC_ACT_GOTO_CHAIN | Verdict(chain&_TC_ACT_EXT_VAL_MASK) }

// Split is the verdict's word as tc(8) has it in JSON, and the value of a
// "jump" or a "goto".
func (v Verdict) Split() (word string, value uint32) {
	value = uint32(v) & _TC_ACT_EXT_VAL_MASK
	switch v &^ _TC_ACT_EXT_VAL_MASK {
	case _TC_ACT_JUMP:
		return "jump", value
	case _TC_ACT_GOTO_CHAIN:
		return "goto", value
	default:
		return nameOf(verdicts, v), 0
	}
}

// String is the verdict as tc(8) prints it, such as "drop" or "goto chain 7".
func (v Verdict) String() string {
	word, value := v.Split()
	switch word {
	case "jump":
		return fmt.Sprintf("jump %d", value)
	case "goto":
		return fmt.Sprintf("goto chain %d", value)
	}
	return word
}

// MarshalText is [Verdict.String].
func (v Verdict) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// UnmarshalText reads what String writes, "ok" and "shot".
func (v *Verdict) UnmarshalText(text []byte) error {
	s := string(text)
	for prefix, make := range map[string]func(uint32) Verdict{"jump ": Jump, "goto chain ": GotoChain} {
		digits, ok := strings.CutPrefix(s, prefix)
		if !ok {
			continue
		}
		n, err := strconv.ParseUint(digits, 0, 28)
		if err != nil {
			return fmt.Errorf("%q: %q is not a number below %d", s, digits, 1<<28)
		}
		*v = make(uint32(n))
		return nil
	}
	return parse(v, verdicts, "verdict", text)
}

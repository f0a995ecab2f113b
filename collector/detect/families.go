package detect

// hypothesis is one of the two things that may be wrong with a laptop.
type hypothesis int

const (
	hosted hypothesis = iota
	displaced
	hypotheses // their number
)

var kinds = [hypotheses]string{"hosted", "displaced"}

// The questions.
const (
	remote = "remote"
	abroad = "abroad"
	farm   = "farm"
	trust  = "trust"
)

// family is one cause, whichever senses notice it: within it the strongest signal
// counts in full, the next half, the next a quarter; families add. Where a laptop has
// been is a history of separate facts, and those count whole.
type family struct {
	name     string
	question string
	counts   [hypotheses]bool
	cap      float64 // most that the family may weigh, 0 for no limit
	against  bool    // its signals speak for an honest use and weigh less than nothing
	whole    bool    // its signals are facts of their own and all count in full
	words    string  // what it is evidence of, for sentences
}

// families is the one place that says what adds up with what. The order is the
// order of causes in which ties are shown.
var families = [...]family{
	{name: "setup", question: remote, counts: [hypotheses]bool{hosted: true}, cap: 12, words: "how remote control was set up"},
	{name: "control", question: remote, counts: [hypotheses]bool{hosted: true}, words: "remote control, and where input comes from"},
	{name: "kvm", question: remote, counts: [hypotheses]bool{hosted: true}, words: "hardware that can drive it"},
	{name: "presence", question: remote, counts: [hypotheses]bool{hosted: true}, against: true, words: "input at its keyboards"},
	{name: "near", question: remote, counts: [hypotheses]bool{hosted: true}, against: true, words: "a controller close by or in the country"},
	{name: "whereabouts", question: remote, counts: [hypotheses]bool{hosted: true, displaced: true}, against: true, whole: true, words: "a laptop that moves about"},
	{name: "still", question: farm, counts: [hypotheses]bool{hosted: true}, cap: 6, words: "how little it moves and rests"},
	{name: "egress", question: abroad, counts: [hypotheses]bool{hosted: true, displaced: true}, words: "where its traffic leaves"},
	{name: "distance", question: abroad, counts: [hypotheses]bool{hosted: true, displaced: true}, words: "round trips"},
	{name: "operator", question: abroad, counts: [hypotheses]bool{hosted: true}, words: "where the controller is"},
	{name: "clock", question: abroad, counts: [hypotheses]bool{displaced: true}, cap: 8, whole: true, words: "its hours and its time zone"},
	{name: "history", question: abroad, counts: [hypotheses]bool{displaced: true}, whole: true, words: "where it has been"},
	{name: "home", question: abroad, counts: [hypotheses]bool{displaced: true}, against: true, words: "the declared place"},
	{name: "place", question: farm, counts: [hypotheses]bool{hosted: true}, words: "who shares its place"},
	{name: "trust", question: trust, counts: [hypotheses]bool{hosted: true, displaced: true}, words: "whether its word can be trusted"},
}

// The families that rules of fusion name, by their place in the table.
var (
	famControl  = familyIndex("control")
	famKVM      = familyIndex("kvm")
	famNear     = familyIndex("near")
	famEgress   = familyIndex("egress")
	famDistance = familyIndex("distance")
	famOperator = familyIndex("operator")
	famHistory  = familyIndex("history")
	famPlace    = familyIndex("place")
)

// familyIndex returns -1 for a family that does not exist.
func familyIndex(name string) int {
	for i, f := range families {
		if f.name == name {
			return i
		}
	}
	return -1
}

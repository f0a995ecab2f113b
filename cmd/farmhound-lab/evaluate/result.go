package evaluate

import "time"

// Result is one evaluation. Figures that would be infinite or of nothing are null.
type Result struct {
	// Command reproduces it.
	Command string `json:"command"`
	Casting string `json:"casting"`
	Seeds   string `json:"seeds"`
	// Days is how long each world lived, Worlds how many there were, Signals how many
	// the detector had.
	Days    int `json:"days"`
	Worlds  int `json:"worlds"`
	Signals int `json:"signals"`

	// Interrupted is whether somebody did not wait for the end; the figures are those of
	// the worlds named above.
	Interrupted bool `json:"interrupted,omitempty"`

	Summary  Summary   `json:"summary"`
	Personas []Persona `json:"personas"`
	// Reliability are bins of the probability at the end, mildest first.
	Reliability []Bin `json:"reliability"`
	// Ablation is what becomes of the summary without one signal, costliest first.
	Ablation *Ablation `json:"ablation,omitempty"`
	// Fairness compares honest people who differ in one thing, the first group with each.
	Fairness []Group `json:"fairness,omitempty"`
	// Wronged are honest laptops that reached likely, Missed farmed ones that did not:
	// the first of each persona's, each with its ledger.
	Wronged []Case `json:"wronged"`
	Missed  []Case `json:"missed"`
	// Without is what is left where senses are missing or reports in disorder.
	Without []Scene `json:"without,omitempty"`
}

// Summary is what matters most. A laptop is flagged if it was likely or above at any
// moment, a device-month is 30 days of one laptop's life.
type Summary struct {
	Farmed int     `json:"farmed"`
	Found  int     `json:"found"`
	Recall float64 `json:"recall"`
	// HonestMonths are device-months of honest laptops, Wronged how many of the laptops
	// were flagged and NearCertain how many of those as near certain.
	HonestMonths float64 `json:"honest_device_months"`
	Wronged      int     `json:"wronged"`
	NearCertain  int     `json:"wronged_near_certain"`
	// Rate is flagged honest laptops per 10,000 device-months, Upper its one-sided 95 %
	// upper bound.
	Rate  float64 `json:"false_positives_per_10000_device_months"`
	Upper float64 `json:"false_positives_per_10000_device_months_upper_95"`
	// Precision is that of this casting, in which farms are many. AtOneInThousand is what
	// follows where one laptop in a thousand is farmed, AtLeast the same with the upper
	// bound for the wronged.
	Precision       *float64 `json:"precision"`
	AtOneInThousand *float64 `json:"precision_at_one_in_thousand"`
	AtLeast         *float64 `json:"precision_at_one_in_thousand_lower_95"`
	// Median and P90 are working days to find a farmed laptop; missed ones count as
	// never, which is null.
	Median *float64 `json:"days_to_find_median"`
	P90    *float64 `json:"days_to_find_p90"`
}

// Persona is what became of one persona's laptops, by the highest verdict of each.
type Persona struct {
	Name        string `json:"name"`
	Kind        string `json:"kind"`
	Laptops     int    `json:"laptops"`
	Watch       int    `json:"watch"`
	Likely      int    `json:"likely"`
	NearCertain int    `json:"near_certain"`
	// Hosted and Displaced say as which the flagged were.
	Hosted    int `json:"flagged_hosted"`
	Displaced int `json:"flagged_displaced"`
	// Median and P90 are working days to find them.
	Median *float64 `json:"days_to_find_median,omitempty"`
	P90    *float64 `json:"days_to_find_p90,omitempty"`
	// Weights are the median decibans of evidence at the ends of working days 1, 3, 5
	// and 20, not of honest ones; null where no laptop's life lasted that long.
	Weights []*float64 `json:"decibans_on_days,omitempty"`
}

// Bin is one bin of the reliability diagram.
type Bin struct {
	// From and To bound the probability said; Said is its mean.
	From float64 `json:"from"`
	To   float64 `json:"to"`
	Said float64 `json:"said"`
	// Farmed and Honest are laptops in the bin, Share the share of farmed ones if one
	// laptop in a thousand were farmed, which is what the detector assumes.
	Farmed int     `json:"farmed"`
	Honest int     `json:"honest"`
	Share  float64 `json:"share"`
}

// Ablation is an evaluation without each signal in turn.
type Ablation struct {
	Worlds int `json:"worlds"`
	// Whole is with all signals, judged once a day as the others are.
	Whole   Ablated   `json:"whole"`
	Signals []Ablated `json:"signals"`
}

// Ablated is what is left without one signal.
type Ablated struct {
	Signal  string `json:"signal"`
	Farmed  int    `json:"farmed"`
	Found   int    `json:"found"`
	Honest  int    `json:"honest"`
	Wronged int    `json:"wronged"`
	Watched int    `json:"watched_honest"`
	// Median is working days to find a farmed laptop.
	Median *float64 `json:"days_to_find_median"`
	// FarmDB and HonestDB are mean decibans at the end.
	FarmDB   float64 `json:"farmed_mean_decibans"`
	HonestDB float64 `json:"honest_mean_decibans"`
}

// Case is one laptop with what explains its verdict.
type Case struct {
	Persona string     `json:"persona"`
	Seed    uint64     `json:"seed"`
	Serial  string     `json:"serial"`
	Verdict string     `json:"verdict"`
	Kind    string     `json:"kind"`
	Risk    float64    `json:"risk"`
	At      time.Time  `json:"at"`
	Ledger  []Evidence `json:"ledger"`
	// Lacks is what would have changed the verdict.
	Lacks []string `json:"would_change"`
}

// Evidence is one line of a ledger.
type Evidence struct {
	Signal  string  `json:"signal"`
	DB      float64 `json:"db"`
	Because string  `json:"because"`
}

// Scene is an evaluation of the same worlds with something missing or in disorder.
type Scene struct {
	Title   string  `json:"title"`
	Summary Summary `json:"summary"`
}

// Group is honest laptops of people who differ from those of the first group in one
// thing only.
type Group struct {
	Name    string `json:"name"`
	Laptops int    `json:"laptops"`
	// Watched ever were watch or above, Flagged likely or above.
	Watched int `json:"watched"`
	Flagged int `json:"flagged"`
	// Rate is flagged laptops per 10,000 device-months.
	Rate float64 `json:"false_positives_per_10000_device_months"`
	// Differ is how many laptops had another highest verdict than the same laptop in the
	// first group; nil where they are not the same, day by day.
	Differ *int `json:"judged_differently,omitempty"`
	// PWatched and PFlagged are how likely chance alone makes shares differ as much from
	// the first group's, by Fisher's exact test.
	PWatched float64 `json:"p_watched"`
	PFlagged float64 `json:"p_flagged"`
}

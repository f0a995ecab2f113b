package detect

// Signal describes one signal for lists.
type Signal struct {
	ID, Title string
	// Question is remote, abroad, farm or trust; Family is the cause it is evidence of.
	Question, Family string
}

// Signals lists the signals, ordered by id.
func (r *Rules) Signals() []Signal {
	all := make([]Signal, len(r.signals))
	for i, s := range r.signals {
		all[i] = Signal{ID: s.id, Title: s.title, Question: s.question, Family: families[s.home].name}
	}
	return all
}

// Rules returns what the detector weighs by.
func (d *Detector) Rules() *Rules { return d.rules }

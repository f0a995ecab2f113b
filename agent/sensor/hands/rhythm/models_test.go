package rhythm

import (
	"math"
	"math/rand/v2"
)

// event is one input of a made trace.
type event struct {
	at  float64 // ms
	key bool
}

// maker makes the times of input of one kind of person or machine.
type maker struct {
	*rand.Rand
	now    float64
	events []event
}

func (m *maker) key()     { m.events = append(m.events, event{m.now, true}) }
func (m *maker) pointer() { m.events = append(m.events, event{m.now, false}) }

// logNormal draws with a median and a spread in logarithms.
func (m *maker) logNormal(median, sigma float64) float64 {
	return median * math.Exp(sigma*m.NormFloat64())
}

// pareto draws with a least value and a tail exponent.
func (m *maker) pareto(least, alpha float64) float64 {
	return least * math.Pow(1-m.Float64(), -1/alpha)
}

func (m *maker) between(low, high float64) float64 { return low + (high-low)*m.Float64() }

func (m *maker) chance(p float64) bool { return m.Float64() < p }

func (m *maker) wait(ms float64) { m.now += min(ms, 20*60_000) }

// path moves a pointer for a time at a device's rate.
func (m *maker) path(ms, every float64) {
	for end := m.now + ms; m.now < end; m.wait(every * m.between(0.9, 1.1)) {
		m.pointer()
	}
}

const minute = 60_000.0

// people: each function is one stretch of work; it is called until the time is over.
var people = map[string]func(*maker){
	"types text": func(m *maker) {
		for range 1 + m.IntN(12) {
			for range 2 + m.IntN(8) {
				m.key()
				m.wait(m.logNormal(170, 0.4))
			}
			m.wait(m.logNormal(350, 0.7))
		}
		m.wait(m.logNormal(2500, 1.1))
	},
	"types with two fingers": func(m *maker) {
		for range 1 + m.IntN(25) {
			m.key()
			m.wait(m.logNormal(520, 0.55))
		}
		m.wait(m.logNormal(3500, 1.2))
	},
	"points and clicks": func(m *maker) {
		for range 1 + m.IntN(6) {
			m.path(m.logNormal(500, 0.7), 8)
			m.wait(m.logNormal(500, 0.8))
			m.pointer()
		}
		m.wait(m.logNormal(4000, 1.2))
	},
	"reads and scrolls": func(m *maker) {
		for range 1 + m.IntN(4) {
			for range 2 + m.IntN(7) {
				m.pointer()
				m.wait(m.logNormal(90, 0.5))
			}
			m.wait(m.logNormal(600, 0.6))
		}
		m.wait(m.logNormal(14000, 0.9))
	},
	"hardly there": func(m *maker) {
		for range 1 + m.IntN(3) {
			m.path(m.logNormal(700, 0.9), 8)
			m.wait(m.logNormal(800, 0.9))
		}
		m.wait(m.pareto(8000, 0.9))
	},
	"types and points": func(m *maker) {
		if m.chance(0.5) {
			for range 3 + m.IntN(40) {
				m.key()
				m.wait(m.logNormal(210, 0.6))
			}
		} else {
			m.path(m.logNormal(900, 0.8), 1)
		}
		m.wait(m.pareto(300, 0.8))
	},
	"plays": func(m *maker) {
		m.path(m.logNormal(2500, 0.9), 2)
		if m.chance(0.5) {
			m.key()
		}
		m.wait(m.pareto(150, 0.9))
	},
}

// machines, in the same way.
var machines = map[string]func(*maker){
	"every 15 s":              func(m *maker) { m.beat(15_000, 0.001) },
	"every 20 s":              func(m *maker) { m.beat(20_000, 0.001) },
	"every 60 s":              func(m *maker) { m.beat(60_000, 0.001) },
	"F15 every 59 s":          func(m *maker) { m.key(); m.wait(59_000) },
	"every 1 s":               func(m *maker) { m.beat(1_000, 0.005) },
	"every 30 s, jitter 10 %": func(m *maker) { m.beat(30_000, 0.1) },
	"every 30 s, jitter 25 %": func(m *maker) { m.beat(30_000, 0.25) },
	"every 20 s, jitter 50 %": func(m *maker) { m.beat(20_000, 0.5) },
	"every 60 s, jitter 50 %": func(m *maker) { m.beat(60_000, 0.5) },
	"uniform 5 to 120 s":      func(m *maker) { m.pointer(); m.wait(m.between(5_000, 120_000)) },
	"uniform 1 to 60 s":       func(m *maker) { m.pointer(); m.wait(1000 * float64(1+m.IntN(60))) },
	"exponential, 30 s":       func(m *maker) { m.pointer(); m.wait(30_000 * m.ExpFloat64()) },
	"walks in time": func(m *maker) {
		// The pause itself walks about between 4 and 100 s.
		if len(m.events) == 0 {
			m.events = append(m.events, event{m.now, false})
			m.wait(20_000)
			return
		}
		last := m.now - m.events[len(m.events)-1].at
		m.pointer()
		m.wait(min(max(last*m.between(0.75, 1.33), 4_000), 100_000))
	},
	"walks in space, 100 ms":    func(m *maker) { m.pointer(); m.wait(m.between(90, 110)) },
	"walks in space, 0.3-1.5 s": func(m *maker) { m.pointer(); m.wait(m.between(300, 1500)) },
	"walks in space, 1-5 s":     func(m *maker) { m.pointer(); m.wait(m.between(1000, 5000)) },
	"paths every 30 s":          func(m *maker) { m.path(m.between(300, 2000), 10); m.wait(30_000) },
	"paths every 10 to 90 s":    func(m *maker) { m.path(m.between(300, 3000), 10); m.wait(m.between(10_000, 90_000)) },
	"steps of a path, 20 s": func(m *maker) {
		for range 4 + m.IntN(6) {
			m.path(m.between(100, 400), 15)
			m.wait(m.between(300, 900))
		}
		m.wait(20_000)
	},
	"steps of a path, 15 to 60 s": func(m *maker) {
		for range 3 + m.IntN(8) {
			m.pointer()
			m.wait(m.between(100, 800))
		}
		m.wait(m.between(15_000, 60_000))
	},
	"keys and pointer in turn": func(m *maker) {
		if m.chance(0.5) {
			m.key()
		} else {
			m.path(200, 10)
		}
		m.wait(m.between(20_000, 50_000))
	},
}

func (m *maker) beat(period, jitter float64) {
	m.pointer()
	m.now += 8
	m.pointer()
	m.wait(period*(1+m.between(-jitter, jitter)) - 8)
}

// made makes a trace of some minutes.
func made(step func(*maker), seed uint64, minutes float64) []event {
	m := &maker{Rand: rand.New(rand.NewPCG(seed, 77))}
	for m.now < minutes*minute {
		step(m)
	}
	return m.events
}

// others are people and machines from which no threshold was chosen.
var otherPeople = map[string]func(*maker){
	"writes code": func(m *maker) {
		for range 1 + m.IntN(5) {
			for range 1 + m.IntN(14) {
				m.key()
				m.wait(60 + m.logLogistic(110, 2.6))
			}
			m.wait(m.logLogistic(900, 1.6))
		}
		m.wait(m.logLogistic(4000, 1.3))
	},
	"fills in a form": func(m *maker) {
		m.path(m.logNormal(600, 0.5), 10)
		m.wait(m.logNormal(400, 0.5))
		m.pointer()
		m.wait(m.logNormal(700, 0.5))
		for range 3 + m.IntN(15) {
			m.key()
			m.wait(m.logNormal(230, 0.5))
		}
		m.wait(m.logNormal(1800, 0.8))
	},
	"chats": func(m *maker) {
		for range 5 + m.IntN(60) {
			m.key()
			m.wait(m.logNormal(150, 0.5))
		}
		m.wait(m.weibull(25_000, 0.6))
	},
	"reads long pages": func(m *maker) {
		for range 3 + m.IntN(20) {
			m.pointer()
			m.wait(m.logNormal(45, 0.4))
		}
		if m.chance(0.4) {
			m.wait(m.logNormal(900, 0.8))
			m.path(m.logNormal(300, 0.6), 8)
		}
		m.wait(m.logNormal(35_000, 0.8))
	},
	"listens in a meeting": func(m *maker) {
		m.path(m.logNormal(400, 1), 8)
		if m.chance(0.3) {
			for range 2 + m.IntN(6) {
				m.wait(m.logNormal(350, 0.8))
				m.key()
			}
		}
		m.wait(m.weibull(30_000, 0.5))
	},
}

var otherMachines = map[string]func(*maker){
	"every 45 s, normal, a third": func(m *maker) { m.pointer(); m.wait(max(45_000+15_000*m.NormFloat64(), 1_000)) },
	"every 4 min":                 func(m *maker) { m.beat(240_000, 0.001) },
	"gamma of 2, 40 s":            func(m *maker) { m.pointer(); m.wait(20_000 * (m.ExpFloat64() + m.ExpFloat64())) },
	"log-normal, 40 s":            func(m *maker) { m.pointer(); m.wait(m.logNormal(40_000, 0.5)) },
	"10, 20 and 45 s in turn": func(m *maker) {
		for _, s := range []float64{10, 20, 45} {
			m.pointer()
			m.wait(1000 * s)
		}
	},
	"double clicks, 20 to 60 s": func(m *maker) {
		m.pointer()
		m.wait(120)
		m.pointer()
		m.wait(m.between(20_000, 60_000))
	},
	"walks in space, 50 Hz, rests 5 s": func(m *maker) { m.path(10_000, 20); m.wait(5_000) },
	"walks in time, steps of 3 s": func(m *maker) {
		if len(m.events) == 0 {
			m.pointer()
			m.wait(30_000)
			return
		}
		last := m.now - m.events[len(m.events)-1].at
		m.pointer()
		m.wait(min(max(last+3000*m.NormFloat64(), 2_000), 90_000))
	},
	"presses Shift, 1 to 3 min": func(m *maker) { m.key(); m.wait(m.between(60_000, 180_000)) },
}

// logLogistic draws with a median and a shape: the less, the heavier the tail.
func (m *maker) logLogistic(median, shape float64) float64 {
	u := m.between(0.0005, 0.9995)
	return median * math.Pow(u/(1-u), 1/shape)
}

func (m *maker) weibull(scale, shape float64) float64 {
	return scale * math.Pow(m.ExpFloat64(), 1/shape)
}

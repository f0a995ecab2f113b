package persona

// persona is a way of living with a laptop.
type persona struct {
	name, kind string
	// share is how many laptops of a world of sixty are its.
	share float64
	// draw makes one person, household or farm of it, at best of size laptops.
	draw func(w *World, d draw, size int) []*Laptop
}

// casting is every persona.
var casting = []persona{
	{"home-worker", Honest, 8, homeWorker},
	{"rmm-farm", Farm, 5, rmmFarm},
	{"single-host", Farm, 2, singleHost},
}

// Command modes chooses the modes in which the test suites run: a few rows that bring every pair of values together once,
// or, with -full, all combinations.
//
//	go run ./build/modes [-full] [-only memory,procs]
//
// prints one row a line: "memory=pooled race=off procs=2". -only leaves the other dimensions out.
package main

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
)

func main() {
	full := flag.Bool("full", false, "all combinations")
	only := flag.String("only", "", "these dimensions, joined by commas")
	file := flag.String("modes", "build/modes/modes.txt", "the dimensions")
	flag.Parse()
	text, err := os.ReadFile(*file)
	var dimensions []dimension
	if err == nil {
		dimensions, err = parse(string(text), *only)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "modes:", err)
		os.Exit(1)
	}
	rows := product(dimensions)
	if !*full {
		rows = pairwise(dimensions)
	}
	for _, r := range rows {
		fmt.Println(format(dimensions, r))
	}
}

type dimension struct {
	name   string
	values []string
}

// row holds the index of a value for each dimension.
type row []int

// parse reads "name value value…" lines. only, if not empty, names the dimensions to keep.
func parse(text, only string) ([]dimension, error) {
	var all []dimension
	for _, line := range strings.Split(text, "\n") {
		words := strings.Fields(line)
		if len(words) == 0 || strings.HasPrefix(words[0], "#") {
			continue
		}
		if len(words) == 1 {
			return nil, fmt.Errorf("dimension %s has no values", words[0])
		}
		all = append(all, dimension{words[0], words[1:]})
	}
	if only == "" {
		return all, nil
	}
	var kept []dimension
	for _, name := range strings.Split(only, ",") {
		i := slices.IndexFunc(all, func(d dimension) bool { return d.name == name })
		if i < 0 {
			return nil, fmt.Errorf("there is no dimension %s", name)
		}
		kept = append(kept, all[i])
	}
	return kept, nil
}

func format(dimensions []dimension, r row) string {
	words := make([]string, len(r))
	for i, v := range r {
		words[i] = dimensions[i].name + "=" + dimensions[i].values[v]
	}
	return strings.Join(words, " ")
}

// product gives all combinations; the first dimension changes slowest.
func product(dimensions []dimension) []row {
	rows := []row{{}}
	for _, d := range dimensions {
		var longer []row
		for _, r := range rows {
			for v := range d.values {
				longer = append(longer, append(slices.Clone(r), v))
			}
		}
		rows = longer
	}
	return rows
}

// pair says that dimension i has value a and dimension j has value b; i < j.
type pair struct{ i, a, j, b int }

func pairsOf(r row) []pair {
	var pairs []pair
	for i := range r {
		for j := i + 1; j < len(r); j++ {
			pairs = append(pairs, pair{i, r[i], j, r[j]})
		}
	}
	return pairs
}

// pairwise chooses rows such that every two values of different dimensions meet in one: each time the row that brings the
// most new pairs, and of equals the first, so that the row of usual values is among them. Greedy is not always the
// fewest rows, but always close, and the same everywhere.
func pairwise(dimensions []dimension) []row {
	candidates := product(dimensions)
	if len(dimensions) < 2 {
		return candidates
	}
	missing := map[pair]bool{}
	for _, r := range candidates {
		for _, p := range pairsOf(r) {
			missing[p] = true
		}
	}
	var chosen []row
	for len(missing) > 0 {
		best, most := row(nil), 0
		for _, r := range candidates {
			count := 0
			for _, p := range pairsOf(r) {
				if missing[p] {
					count++
				}
			}
			if count > most {
				best, most = r, count
			}
		}
		for _, p := range pairsOf(best) {
			delete(missing, p)
		}
		chosen = append(chosen, best)
	}
	return chosen
}

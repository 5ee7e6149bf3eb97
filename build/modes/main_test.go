package main

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func dimensions(sizes ...int) []dimension {
	var all []dimension
	for i, n := range sizes {
		d := dimension{name: string(rune('a' + i))}
		for v := range n {
			d.values = append(d.values, fmt.Sprint(v))
		}
		all = append(all, d)
	}
	return all
}

func TestPairwiseCoversEveryPair(t *testing.T) {
	for _, sizes := range [][]int{{1}, {3}, {2, 2}, {3, 2, 2}, {3, 2, 2, 2, 3}, {4, 3, 3, 2, 2, 1}} {
		t.Run(fmt.Sprint(sizes), func(t *testing.T) {
			ds := dimensions(sizes...)
			rows := pairwise(ds)
			require.NotEmpty(t, rows)
			// Looked at from the text, as test.sh sees it, not by the functions that chose.
			for i, d := range ds {
				for _, a := range d.values {
					require.True(t, meet(ds, rows, d.name+"="+a), "%s=%s", d.name, a)
					for _, e := range ds[i+1:] {
						for _, b := range e.values {
							require.True(t, meet(ds, rows, d.name+"="+a, e.name+"="+b), "%s=%s with %s=%s", d.name, a, e.name, b)
						}
					}
				}
			}
		})
	}
}

func meet(ds []dimension, rows []row, words ...string) bool {
	for _, r := range rows {
		text := " " + format(ds, r) + " "
		all := true
		for _, w := range words {
			all = all && strings.Contains(text, " "+w+" ")
		}
		if all {
			return true
		}
	}
	return false
}

func TestPairwiseIsMuchLessThanTheProduct(t *testing.T) {
	assert.Len(t, pairwise(dimensions(3, 2, 2)), 6)
	ds := dimensions(3, 2, 2, 2, 3)
	assert.LessOrEqual(t, len(pairwise(ds)), 12)
	assert.Len(t, product(ds), 72)
}

func TestUsualValuesComeFirst(t *testing.T) {
	assert.Equal(t, row{0, 0, 0}, pairwise(dimensions(3, 2, 2))[0])
}

func TestProductHasNoRowTwice(t *testing.T) {
	ds := dimensions(3, 2, 2)
	seen := map[string]bool{}
	for _, r := range product(ds) {
		seen[format(ds, r)] = true
	}
	assert.Len(t, seen, 12)
}

func TestParse(t *testing.T) {
	ds, err := parse("# words\n\nmemory pooled plain\nprocs  1 2\n", "")
	require.NoError(t, err)
	assert.Equal(t, []dimension{{"memory", []string{"pooled", "plain"}}, {"procs", []string{"1", "2"}}}, ds)
	assert.Equal(t, "memory=plain procs=1", format(ds, row{1, 0}))

	ds, err = parse("a 1\nb 1 2\n", "b")
	require.NoError(t, err)
	assert.Equal(t, []dimension{{"b", []string{"1", "2"}}}, ds)

	_, err = parse("a\n", "")
	require.Error(t, err)
	_, err = parse("a 1\n", "b")
	require.Error(t, err)
}

func TestCommittedModesParse(t *testing.T) {
	text, err := os.ReadFile("modes.txt")
	require.NoError(t, err)
	_, err = parse(string(text), "memory,race,procs")
	require.NoError(t, err)
}

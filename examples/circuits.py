"""Chapter 1 of the guide: circuits, pulls, and three ways to make an output larger."""

import pullback as pb

# A circuit is an expression of wires; every wire knows its value.
x, y, z = pb.units(x=-2.0, y=5.0, z=-4.0)
q = (x + y).named("q")
f = (q * z).named("f")

# Pull on the output: every wire gets the force with which it should answer.
f.backward()
print(pb.Circuit(f))

# Let the sources follow their forces a little, and compare what was promised with what came.
print()
print(pb.tug(f, force=1.0, step=0.01))

# Three strategies from the same start.
print()
print(pb.compare_strategies(f))

# A neuron, its gradients as wires, and their gradients again.
a, b, c, x, y = pb.units(a=1.0, b=2.0, c=-3.0, x=-1.0, y=3.0)
neuron = pb.sigmoid(a * x + b * y + c)
da = pb.gradient(neuron, a)
print(f"\nneuron {neuron.value:.4f}, da {da.value:.3f}, dda {pb.gradient(da, a).value:.4f}")

# Is all of that right? Central differences say so, for the whole and gate by gate.
print()
print(pb.check_gradients(neuron))


# Your own gate is a function and the slope of it; ask whether the slope is right.
@pb.gate(partials=(lambda y, x: 3.0 * x * x,))
def cube(m, x):
    """x * x * x."""
    return x * x * x


pb.check_gate(cube)
print(f"\ncube of 2: {cube(pb.Unit(2.0)).value}")

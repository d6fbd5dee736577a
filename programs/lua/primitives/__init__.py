"""The primitives that programs call, such as State, Human and Procedure, a module for each."""

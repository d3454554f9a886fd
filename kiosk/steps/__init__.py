"""What several services do at the counter; a step is an async function with its own words."""

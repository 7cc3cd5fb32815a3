"""What a supervisor or auditor asks for, answered from the evidence that the stages leave behind."""

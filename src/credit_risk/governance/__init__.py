"""What a supervisor or auditor asks for, answered from the evidence of the stages. Measures nothing itself."""

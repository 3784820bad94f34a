class A
  def g
    1 + * 2
  end
